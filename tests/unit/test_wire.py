"""The form in which the session backend and its client write to each other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.backend.contract_problems import dump_problem
from api.errors import MalformedRequestError
from api.json_body import parse_document
from api.problems import find_code
from session_store import errors
from session_store.document import Document
from session_store.errors import InvalidIdentifierError, InvalidInputError, NotFoundError, SessionStoreError
from session_store.http.backend import CALLER_ITSELF
from session_store.http.problem_documents import ERRORS, parse_problem
from session_store.raw_json import dump_json, dump_list, dump_object, parse_members
from session_store.repository import DEFAULT_OWNER
from session_store.wire import MAXIMUM_BYTES, dump_segment, parse_segment, wire_bytes

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
_spaced = st.builds(
    lambda value, indent: json.dumps(value, indent=indent), _json, st.sampled_from([None, 0, 1, "\t", "  "])
)
_identifiers = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=255).filter(str.isprintable)


@given(_identifiers)
def test_an_identifier_passes_a_path_in_characters_that_nothing_rewrites(identifier: str) -> None:
    segment = dump_segment(identifier)
    assert set(segment) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    assert segment not in (".", "..")
    assert parse_segment("id", segment) == identifier


def test_a_plain_identifier_stays_readable() -> None:
    assert dump_segment("user-123_a.b") == "user-123_a.b"


@pytest.mark.parametrize("segment", ["~", "~Y", "~gICA", "~AA", "~Y Q", "", "a\nb"])
def test_a_segment_that_no_identifier_makes_is_refused(segment: str) -> None:
    with pytest.raises(InvalidIdentifierError, match="id"):
        parse_segment("id", segment)


@given(st.dictionaries(st.text(), _spaced, max_size=4))
def test_members_come_out_as_they_went_in(members: dict[str, str]) -> None:
    text = dump_object(members)
    parsed = parse_members(f" \n{text}\t ")
    assert {name: member.text for name, member in parsed.items()} == members
    assert {name: member.value for name, member in parsed.items()} == json.loads(text)


@given(st.lists(st.dictionaries(st.text(), _spaced, max_size=3), max_size=4))
def test_nested_documents_come_out_as_they_went_in(items: list[dict[str, str]]) -> None:
    text = dump_object({"list": dump_list(map(dump_object, items)), "one": dump_object(items[0] if items else {})})
    parsed = parse_members(text, nested=["list", "one"])
    assert [{name: member.text for name, member in item.items()} for item in parsed["list"].value] == items
    assert {name: member.text for name, member in parsed["one"].value.items()} == (items[0] if items else {})


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "[1]", "{", '{"a"}', '{"a":}', '{"a":1', '{"a":1}x', '{"a":1,,}', '{"a":1,}', "{]", "{}{}", "{1:2}"),
        *('{"list":[1,]}', '{"list":[{}}', '{"list":{"a":}}', '{"list":[{"a":1,}]}'),
    ],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Document.parse(text, nested=["list"])
    with pytest.raises((InvalidInputError, MalformedRequestError)):
        parse_document(text, max_depth=32, nested=["list"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"list":[{"a":{"b":1,"b":2}}]}', "twice"),
        ('{"list":[],"list":[]}', "twice"),
        ('{"list":[{"a":1,"a":1}]}', "twice"),
        ('{"list":[{"a":NaN}]}', "NaN"),
        ('{"list":[{"a":1e999}]}', "too large"),
        ('{"list":[{"a":[1]}]}', "more than 3 levels"),
        ('{"list":' + "[" * 100_000, "more than 3 levels"),
    ],
)
def test_a_document_that_the_database_would_not_take_is_refused_as_a_whole(text: str, words: str) -> None:
    with pytest.raises(MalformedRequestError, match=words):
        parse_document(text, max_depth=3, nested=["list"])


def test_a_document_may_be_as_deep_as_is_allowed() -> None:
    assert parse_document('{"list":[{"a":1}]}', max_depth=3, nested=["list"]).documents("list")[0].value("a") == 1


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    assert dump_json("\ud800é") == '"\\ud800é"'
    dump_json("\ud800é").encode()


def test_the_limit_leaves_room_in_lambdas() -> None:
    assert wire_bytes('"\\') == len(rb'"\"\\"')
    assert MAXIMUM_BYTES < 6 * 1024 * 1024 * 0.9


DOCUMENT = '{"text":"x","number":1,"object":{"a": 1.0},"list":[1],"null":null,"bad":"\\u0000"}'


@pytest.mark.parametrize(
    ("member", "read"),
    [
        ("number", Document.text),
        ("text", Document.whole_number),
        ("missing", Document.whole_number),
        ("list", Document.object),
        ("null", Document.object),
        ("object", Document.documents),
        ("list", Document.documents),
        ("number", Document.document),
        ("bad", Document.preview),
        ("text", Document.run_id),
        ("number", Document.identifier),
        ("bad", Document.identifier),
        ("missing", Document.identifier),
        ("text", Document.timestamp),
    ],
)
def test_a_member_of_another_kind_is_refused_by_its_name(member: str, read: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(Document.parse(DOCUMENT), member)
    assert caught.value.field == member


def test_an_object_is_read_to_the_letter() -> None:
    assert Document.parse(DOCUMENT).object("object") == '{"a": 1.0}'


RAISED = [
    *NotFoundError.__subclasses__(),
    *(errors.AlreadyExistsError, errors.MessageOrderError, errors.SessionBusyError, errors.RunInProgressError),
    *(errors.LeaseLostError, errors.IdempotencyKeyReusedError, errors.TooLargeError, errors.StoreUnavailableError),
    errors.InvalidInputError,
]


@pytest.mark.parametrize("kind", RAISED)
def test_an_error_of_the_store_has_a_code_by_which_it_comes_back(kind: type[SessionStoreError]) -> None:
    assert ERRORS[find_code(kind)] is kind


def test_a_body_that_the_api_cannot_read_is_a_refused_value_here() -> None:
    text = dump_json(dump_problem(MalformedRequestError("is not JSON"), "request-id"))
    received = parse_problem(400, text)
    assert (type(received), vars(received)) == (errors.InvalidInputError, {"field": "body", "reason": "is not JSON"})


@pytest.mark.parametrize(
    "error",
    [
        errors.SessionBusyError("r", 12.5),
        errors.RunInProgressError("r", 1.25),
        errors.LeaseLostError("r", "gone"),
        errors.MessageNotFoundError(3),
        errors.SessionNotFoundError("a/b \u00e9"),
        errors.InvalidInputError("state", "must be a JSON object"),
        errors.TooLargeError("request", 7, 5),
        errors.IdempotencyKeyReusedError(),
    ],
)
def test_an_error_comes_back_as_it_was_raised(error: SessionStoreError) -> None:
    text = dump_json(dump_problem(error, "request-id"))
    received = parse_problem(json.loads(text)["status"], text)
    assert type(received) is type(error)
    assert (str(received), vars(received)) == (str(error), vars(error))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "ConfigurationError") for status in (301, 401, 403, 404)),
        *((status, "StoreUnavailableError") for status in (429, 500, 502, 503, 504)),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        *("", "<html>", "[]", "[" * 100_000, '{"code":"unknown"}', '{"code":"session_not_found"}'),
        *('{"code":["x"],"attributes":{}}', '{"code":"not_found","attributes":{},"detail":"words"}'),
    ],
)
def test_an_answer_that_is_not_the_backends_is_judged_by_its_status(status: int, kind: str, text: str) -> None:
    assert type(parse_problem(status, text)).__name__ == kind


def test_the_default_owner_is_the_caller_itself() -> None:
    assert CALLER_ITSELF == DEFAULT_OWNER
