"""What POST /process refuses, and how it says so."""

import base64
import json

import pytest

from api.settings import Settings
from session_store.postgresql import PostgreSQLStore
from tests.support.http_api import ALICE, Answer, HttpApi, event_of, load_handler

TO_I = {"interruptResponse": {"interruptId": "i", "response": True}}
INVALID = [
    ({}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": " \n"}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": ["x"]}, "prompt[0]"),
    ({"prompt": [{"interruptResponse": {"interruptId": "i"}}]}, "prompt[0].interruptResponse.response"),
    (
        {"prompt": [{"interruptResponse": {"interruptId": "i", "response": None}}]},
        "prompt[0].interruptResponse.response",
    ),
    ({"prompt": [TO_I, TO_I]}, "prompt[1].interruptResponse.interruptId"),
    ({"prompt": "Hello", "session_id": "."}, "session_id"),
    ({"prompt": "Hello", "session_id": ".."}, "session_id"),
    ({"prompt": "Hello", "session_id": ""}, "session_id"),
    ({"prompt": "Hello", "session_id": "a\nb"}, "session_id"),
    ({"prompt": "Hello", "session_id": "\ud800"}, "session_id"),
    ({"prompt": "Hello", "session_id": "x" * 256}, "session_id"),
    ({"prompt": "Hello", "session_id": 5}, "session_id"),
    ({"prompt": "Hello", "if_busy": "queue"}, "if_busy"),
    ({"prompt": "Hello", "if_busy": 1}, "if_busy"),
    ({"prompt": "Hello", "owner": "iam:AIDABOB"}, "owner"),
    ({"prompt": "Hello", "\ud800": 1}, "body"),
    ({"prompt": "Hello", "x" * 1000: 1}, "x" * 99 + "…"),
    ([], "body"),
    ("Hello", "body"),
]


@pytest.mark.parametrize(("body", "field"), INVALID)
def test_an_invalid_request_is_422_naming_the_field(
    api: HttpApi, store: PostgreSQLStore, body: object, field: str
) -> None:
    answer = api.call("POST", "/process", text=json.dumps(body))
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert store.sessions.list(f"iam:{ALICE}").sessions == []


def test_the_error_of_an_unknown_if_busy_names_the_three_that_there_are(api: HttpApi) -> None:
    answer = api.call("POST", "/process", body={"prompt": "Hello", "if_busy": "queue"})
    [error] = answer.json["errors"]
    assert all(choice in error["message"] for choice in ("reject", "wait", "interrupt"))


def test_an_answer_names_no_more_fields_than_a_response_can_hold(api: HttpApi) -> None:
    answer = api.call("POST", "/process", body={"prompt": "Hello", **{f'"{number}': 1 for number in range(50_000)}})
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert len(answer.json["errors"]) == 20


MALFORMED = ["", " ", "{", '{"prompt": "a"', "nonsense", '{"prompt": NaN}', '{"prompt": "a", "prompt": "b"}']
MALFORMED += ['{"prompt": [1e999]}', '{"prompt": [' + "1" * 5000 + "]}", "[" * 100_000, '{"a":' * 33 + "1" + "}" * 33]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_body_that_is_not_json_is_400(api: HttpApi, text: str) -> None:
    answer = api.call("POST", "/process", text=text)
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["request_id"]


def test_a_body_in_base64_is_read_as_what_it_holds(api: HttpApi) -> None:
    def send(body: str) -> Answer:
        event = event_of("POST", "/process", ALICE, "", {})
        event["headers"] |= {"Content-Type": "application/json"}
        return api.send({**event, "body": body, "isBase64Encoded": True})

    assert send(base64.b64encode('{"prompt": "käse"}'.encode()).decode()).json["response"] == "You said: käse"
    assert send(base64.b64encode(b"x" * (Settings.max_body_bytes + 1)).decode()).code == "payload_too_large"
    no_base64 = ("!", "é") if api.edge == "api_gateway" else ()  # over ASGI bodies are bytes
    for broken in (*no_base64, base64.b64encode(b'\xff{"prompt": "a"}').decode()):
        assert send(broken).code == "malformed_request"


def test_what_is_too_large_is_413_naming_it(api: HttpApi) -> None:
    long_prompt = api.call("POST", "/process", body={"prompt": "x" * 100_001})
    assert (long_prompt.status, long_prompt.json["errors"][0]["field"]) == (413, "prompt")
    large_body = api.call("POST", "/process", text=json.dumps({"prompt": "x" * Settings.max_body_bytes}))
    assert (large_body.status, large_body.json["errors"][0]["field"]) == (413, "body")


def test_the_limit_of_characters_counts_no_answers(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_PROMPT_CHARACTERS", "1")
    api.handlers["process"] = load_handler("process")
    answers = [{"interruptResponse": {"interruptId": name, "response": True}} for name in ("i", "j")]
    assert api.call("POST", "/process", body={"prompt": answers}).code == "awaiting_response"


BROKEN_MEDIA_TYPES = ["", "/", "application/json; charset*" + "9" * 5000 + "=x"]


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/json; charset=latin-1", *BROKEN_MEDIA_TYPES]
)
def test_another_media_type_is_415(api: HttpApi, media_type: str) -> None:
    answer = api.call("POST", "/process", body={"prompt": "Hello"}, headers={"Content-Type": media_type})
    assert (answer.status, answer.json["errors"][0]["field"]) == (415, "Content-Type")


@pytest.mark.parametrize("key", ["", "a\x07b", "x" * 256])
def test_an_idempotency_key_keeps_the_rule_of_identifiers(api: HttpApi, key: str) -> None:
    answer = api.call("POST", "/process", body={"prompt": "Hello"}, headers={"Idempotency-Key": key})
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_no_identity_is_401_before_anything_is_read(api: HttpApi, store: PostgreSQLStore) -> None:
    answer = api.call("POST", "/process", user=None, text="{")
    assert (answer.status, answer.code) == (401, "unauthorized")
