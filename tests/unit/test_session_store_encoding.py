import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store.encoding import PREVIEW_LENGTH, checked_timestamp, decode, encode, preview_of
from session_store.errors import InvalidInputError, UnstorableValueError

TEXTS = st.text(st.characters(), max_size=30)  # surrogates and NUL included
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_every_json_value_and_bytes_come_back_equal(value: Any) -> None:
    text = encode("message", value)
    assert decode(text) == value
    assert json.dumps(decode(text), default=repr) == json.dumps(value, default=repr)  # key order, 1 and 1.0 and True
    text.encode()  # PostgreSQL stores UTF-8 ...
    assert "\0" not in text  # ... without NUL


def test_space_around_a_value_stored_by_other_means_is_read_over() -> None:
    assert decode(' \t\r\n{"role": "user"} \n') == {"role": "user"}


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, {1, 2}, object(), 10**5000],
    ids=["nan", "inf", "-inf", "set", "object", "huge"],
)
def test_what_json_cannot_hold_is_refused_by_the_name_of_its_field(value: object) -> None:
    with pytest.raises(UnstorableValueError, match=r"^message cannot be stored as JSON: .") as refused:
        encode("message", {"content": [value]})
    assert refused.value.field == "message"


def test_endless_nesting_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(UnstorableValueError):
        encode("message", value)


def test_bytes_nested_as_deep_as_can_be_stored_can_be_read() -> None:
    value: Any = b"deep"
    for _ in range(800):
        value = [value]
    text = encode("message", {"content": value})
    assert encode("message", decode(text)) == text


@pytest.mark.parametrize(
    "looks_like_bytes",
    [
        {"__bytes_encoded__": True, "data": "AAAA"},
        {"__bytes_encoded__": "json", "data": '{"a":1}'},
        {"__bytes_encoded__": "json", "data": "no json"},
        {"__bytes_encoded__": True, "data": '{"__bytes_encoded__": true, "data": "AAAA"}'},
        {"__bytes_encoded__": True, "data": "not base64!"},
        {"__bytes_encoded__": True, "data": 7},
        {"__bytes_encoded__": True, "data": "AAAA", "more": 1},
        {"__bytes_encoded__": True},
        {"__bytes_encoded__": False, "data": "AAAA"},
    ],
)
def test_json_that_looks_like_bytes_comes_back_as_it_was(looks_like_bytes: dict[str, Any]) -> None:
    value = {"content": [looks_like_bytes, b"bytes", {"nested": looks_like_bytes, "é": "\ud800"}]}
    assert decode(encode("message", value)) == value
    again = {"content": [json.loads(encode("message", value))]}  # as a tool may answer that has read our rows
    assert decode(encode("message", again)) == again


@pytest.mark.parametrize("value", ["2026-11-22T10:00:00+00:00", "2026-11-22T10:00:00.123456+00:00"])
def test_a_timestamp_stays_as_strands_wrote_it(value: str) -> None:
    assert checked_timestamp("created_at", value) == value


@pytest.mark.parametrize("value", ["yesterday", " ", None, 7])
def test_another_timestamp_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="created_at must be an ISO 8601 timestamp"):
        checked_timestamp("created_at", value)


def test_a_preview_is_the_text_in_one_line() -> None:
    image = {"image": {"format": "png"}}
    message = {"role": "user", "content": [image, {"text": "  Hello\n\tth"}, {"text": "ere\0 "}]}
    assert preview_of(message) == "Hello there\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    "message", [{}, {"content": []}, {"content": "text"}, {"content": [{"text": 7}]}, None, "text"]
)
def test_a_message_without_text_has_an_empty_preview(message: object) -> None:
    assert preview_of(message) == ""


@given(st.text(st.characters(), max_size=300))
def test_a_preview_is_short_printable_text(text: str) -> None:
    preview = preview_of({"content": [{"text": text}]})
    assert len(preview) <= PREVIEW_LENGTH
    assert preview == "" or preview.isprintable()
