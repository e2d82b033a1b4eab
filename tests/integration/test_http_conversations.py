"""Pictures and documents, forks and turns that are asked again, called with REST proxy events, on a real database."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.models import build_model_once
from session_store.postgresql import PostgreSQLStore, open_store
from session_store.settings import StoreSettings
from tests.support.http_api import ALICE, BOB, HttpApi, load_handler
from tests.support.scripted_model import read_calls

HISTORY = "/sessions/{session_id}/history"
ATTACHMENT = "/sessions/{session_id}/attachments/{attachment_id}"
FORKS = "/sessions/{session_id}/forks"
GIF = base64.b64decode("R0lGODlhAQABAAAAACw=")
PDF = b"%PDF-1.7\n"


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    monkeypatch.setenv("SEARCH", "messages")
    monkeypatch.setenv("MODEL_PROVIDER", "tests.support.scripted_model:build")
    monkeypatch.setenv("SCRIPTED_MODEL_CALLS", str(tmp_path / "calls.jsonl"))
    build_model_once.cache_clear()
    yield HttpApi(**{name: load_handler(name) for name in ("sessions", "process", "run_events")})
    open_store(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


def media(kind: str, format_name: str, content: bytes, **members: str) -> dict[str, Any]:
    source = {"bytes": base64.b64encode(content).decode()}
    return {kind: {"format": format_name, "source": source, **members}}


def ask(api: HttpApi, prompt: Any, **members: Any) -> Any:
    return api.call("POST", "/process", body={"prompt": prompt, "session_id": "user-123", **members})


def test_a_picture_and_a_document_reach_the_model_and_come_back_to_their_owner(api: HttpApi, tmp_path: Path) -> None:
    prompt = [{"text": "say: I see"}, media("image", "gif", GIF), media("document", "pdf", PDF, name="A plan (2)")]
    assert ask(api, prompt).json["response"] == "I see"
    (call,) = read_calls(tmp_path / "calls.jsonl")
    assert repr(GIF) in json.dumps(call).replace("\\\\", "\\")

    shown = api.call("GET", HISTORY, session_id="user-123").json["messages"][0]["message"]["content"]
    places = [shown[1]["image"]["source"]["bytes"], shown[2]["document"]["source"]["bytes"]]
    assert [(each["media_type"], each["size_bytes"]) for each in places] == [("image/gif", 14), ("application/pdf", 9)]
    for place, content in zip(places, (GIF, PDF), strict=True):
        names = {"session_id": "user-123", "attachment_id": place["attachment_id"]}
        answer = api.call("GET", ATTACHMENT, **names)
        assert (answer.status, answer.body.encode()) == (200, content)
        assert answer.headers["Content-Type"] == place["media_type"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="0-')
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert api.call("GET", ATTACHMENT, user=BOB, **names).code == "attachment_not_found"
    assert (
        base64.b64encode(GIF).decode() in api.call("GET", "/sessions/{session_id}/export", session_id="user-123").body
    )


@pytest.mark.parametrize("name", ["0-0000000000000000", "0", "x", "9-1", "-", "9" * 30])
def test_an_attachment_that_nobody_sent_is_not_there(api: HttpApi, name: str) -> None:
    ask(api, [{"text": "say: x"}, media("image", "gif", GIF)])
    assert api.call("GET", ATTACHMENT, session_id="user-123", attachment_id=name).code == "attachment_not_found"


def test_a_redaction_reaches_search_forks_events_and_attachments(api: HttpApi, store: PostgreSQLStore) -> None:
    api.handlers["process_streaming"] = load_handler("process_streaming")
    prompt = [{"text": "say: It is swordfish"}, media("image", "gif", GIF)]
    streamed = api.call("POST", "/process-streaming", body={"prompt": prompt, "session_id": "user-123"})
    assert api.call("POST", FORKS, session_id="user-123", body={"session_id": "fork"}).status == 201
    (shown, _) = api.call("GET", HISTORY, session_id="user-123").json["messages"]
    attachment_id = shown["message"]["content"][1]["image"]["source"]["bytes"]["attachment_id"]

    def seen() -> list[str]:
        """Where the words and the picture still are."""
        answers = {
            "search": api.call("GET", "/sessions", query="q=swordfish"),
            "list": api.call("GET", "/sessions"),
            "events": api.call("GET", "/runs/{run_id}/events", run_id=streamed.headers["Run-Id"]),
            "run": api.call("GET", "/runs/{run_id}", run_id=streamed.headers["Run-Id"]),
        }
        for each in ("user-123", "fork"):
            names = {"session_id": each}
            answers[f"history of {each}"] = api.call("GET", HISTORY, **names)
            answers[f"export of {each}"] = api.call("GET", "/sessions/{session_id}/export", **names)
            answers[f"picture of {each}"] = api.call("GET", ATTACHMENT, attachment_id=attachment_id, **names)
        secrets = ("swordfish", base64.b64encode(GIF).decode(), GIF.decode())
        return [place for place, answer in answers.items() if any(secret in answer.body for secret in secrets)]

    assert len(seen()) == 10
    owner = f"iam:{ALICE}"
    for message in store.messages.list(owner, "user-123", "default"):
        gone = json.dumps({"role": json.loads(message.message)["role"], "content": [{"text": "[gone]"}]})
        store.messages.update(
            owner, "user-123", "default", message._replace(message=gone, redact_message=gone), "[gone]"
        )
    assert seen() == []
    assert {each["preview"] for each in api.call("GET", "/sessions").json["sessions"]} == {"[gone]"}


LINK = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}}
REFUSED: list[tuple[list[Any], str]] = [
    ([LINK], "prompt[0].image.source.s3Location"),
    ([{"image": {"format": "png", "source": {"url": "https://a"}}}], "prompt[0].image.source.url"),
    ([{"text": "x"}, media("image", "png", GIF)], "prompt[1].image.source.bytes"),
    ([media("image", "bmp", GIF)], "prompt[0].image.format"),
    ([{"image": {"format": "gif", "source": {"bytes": "?"}}}], "prompt[0].image.source.bytes"),
    ([media("image", "gif", GIF + b"x" * 3_750_000)], "prompt[0].image.source.bytes"),
    ([media("image", "gif", GIF)] * 21, "prompt"),
    ([{"text": "x"}, media("document", "pdf", PDF, name="a_b")], "prompt[1].document.name"),
    ([{"text": "x"}, media("document", "pdf", PDF, name="a  b")], "prompt[1].document.name"),
    ([{"text": "x"}, media("document", "docx", b"PK\x03\x04", name="a")], "prompt[1].document.source.bytes"),
    ([media("document", "pdf", PDF, name="a")], "prompt"),
    ([{"text": " "}], "prompt[0].text"),
    ([{"toolResult": {}}], "prompt[0].toolResult"),
    ([{"text": "x", "image": {}}], "prompt[0]"),
    ([{"image": {"format": "gif", "source": {"bytes": ""}, "more": 1}}], "prompt[0].image.more"),
]


@pytest.mark.parametrize(("prompt", "field"), REFUSED)
def test_what_is_no_content_block_is_422_before_a_run_begins(api: HttpApi, prompt: list[Any], field: str) -> None:
    answer = ask(api, prompt)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)
    assert api.call("GET", "/sessions", query="include=empty").json["sessions"] == []


def test_the_same_content_under_the_same_key_is_one_turn(api: HttpApi) -> None:
    prompts = [[{"text": "say: x"}, media("image", "gif", content)] for content in (GIF, GIF, GIF + b"1")]
    headers = {"Idempotency-Key": "k"}
    answers = [
        api.call("POST", "/process", body={"prompt": prompt, "session_id": "s"}, headers=headers) for prompt in prompts
    ]
    assert answers[0].json == answers[1].json
    assert answers[2].code == "idempotency_key_reused"


def test_a_conversation_is_forked_asked_again_and_found(api: HttpApi) -> None:
    for prompt in ("say: Rome is old", "say: Oslo is cold"):
        ask(api, prompt)
    fork = api.call("POST", FORKS, session_id="user-123", body={"message_id": 1})
    assert fork.status == 201
    assert fork.json["forked_from"] == {"session_id": "user-123", "message_id": 1}
    assert (fork.json["message_count"], fork.json["state_message_id"]) == (2, 1)
    again = ask(api, "say: Oslo is far", from_message_id=2)
    assert again.json["response"] == "Oslo is far"
    read = api.call("GET", "/sessions/{session_id}", session_id="user-123").json
    assert [each["message_id"] for each in read["forks"]] == [1, 1]
    assert [each["removed_at"] is None for each in read["forks"]] == [False, True]

    found = api.call("GET", "/sessions", query="q=Oslo").json["sessions"]
    assert [each["session_id"] for each in found] == ["user-123"]
    assert found[0]["match"]["message_id"] in (2, 3)
    (start, end), *_ = found[0]["match"]["highlights"]
    assert found[0]["match"]["passage"][start:end] == "Oslo"
    assert api.call("GET", "/sessions", query="q=Oslo", user=BOB).json["sessions"] == []
    assert api.call("GET", "/sessions", query="q=Oslo&cursor=x").json["errors"][0]["field"] == "q"


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"from_message_id": 9}, 404, "message_not_found"),
        ({"from_message_id": -1}, 422, "invalid_request"),
        ({"from_message_id": "1"}, 422, "invalid_request"),
        ({"from_message_id": 0, "session_id": None}, 422, "invalid_request"),
        ({"from_message_id": 0, "session_id": "new"}, 404, "agent_not_found"),
    ],
)
def test_a_turn_is_not_asked_again_from_nowhere(api: HttpApi, members: Any, status: int, code: str) -> None:
    ask(api, "say: x")
    answer = ask(api, "say: y", **members)
    assert (answer.status, answer.code) == (status, code)
    assert len(api.call("GET", HISTORY, session_id="user-123").json["messages"]) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [({"message_id": 7}, 404), ({"session_id": "user-123"}, 409), ({"x": 1}, 422), ({"message_id": -1}, 422)],
)
def test_a_fork_that_cannot_be_made_is_refused(api: HttpApi, body: Any, status: int) -> None:
    ask(api, "say: x")
    assert api.call("POST", FORKS, session_id="user-123", body=body).status == status
    assert len(api.call("GET", "/sessions").json["sessions"]) == 1


def test_a_failed_first_turn_is_listed_only_where_it_is_asked_for(api: HttpApi) -> None:
    assert ask(api, "fail: no").status == 502
    assert api.call("GET", "/sessions").json["sessions"] == []
    (failed,) = api.call("GET", "/sessions", query="include=empty").json["sessions"]
    assert (failed["session_id"], failed["error_code"]) == ("user-123", "model_failed")
