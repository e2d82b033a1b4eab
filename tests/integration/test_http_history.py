"""A session's messages as its history and its export show them."""

import json
from collections.abc import Iterator

import pytest

from session_store.postgresql import PostgreSQLStore, open_store
from session_store.records import AgentRecord, SessionRecord
from session_store.settings import StoreSettings
from tests.integration.stored_sessions import HISTORY, NOW, add_messages, add_session
from tests.support.http_api import ALICE, BOB, HttpApi, load_handler


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    yield HttpApi(sessions=load_handler("sessions"))
    open_store(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


def test_history_is_paged_in_order_and_backwards(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", *"abcde")

    def read(query: str) -> tuple[list[str], int | None]:
        page = api.call("GET", HISTORY, session_id="user-123", query=query).json
        return [item["message"]["content"][0]["text"] for item in page["messages"]], page["next_cursor"]

    assert read("") == (["a", "b", "c", "d", "e"], None)
    assert read("limit=2") == (["a", "b"], 2)
    assert read("limit=2&cursor=2") == (["c", "d"], 4)
    assert read("limit=2&cursor=4") == (["e"], None)
    assert read("limit=2&order=desc") == (["e", "d"], 2)
    assert read("limit=3&order=desc&cursor=2") == (["c", "b", "a"], None)


def test_a_stored_message_comes_out_as_it_went_in(api: HttpApi, store: PostgreSQLStore) -> None:
    message = r'{"role":"user","content":[{"text":"\u0000 \ud800 é"},{"json":{"n":12345678901234567890123,"f":1.0}}]}'
    add_messages(store, "user-123", message)
    assert f'"message":{message}' in api.call("GET", HISTORY, session_id="user-123").body


def test_binary_content_is_shown_by_type_and_size(api: HttpApi, store: PostgreSQLStore) -> None:
    source = {"bytes": {"__bytes_encoded__": True, "data": "iVBORw0KGgo="}}
    blocks = [
        {"image": {"format": "png", "source": source}},
        {"reasoningContent": {"redactedContent": source["bytes"]}},
    ]
    add_messages(store, "user-123", json.dumps({"role": "user", "content": blocks}))

    (item,) = api.call("GET", HISTORY, session_id="user-123").json["messages"]

    name = {"attachment_id": "0-4c4b6a3be1314ab8"}
    shown = [
        {"type": "binary", "media_type": media, "size_bytes": 8, **name}
        for media in ("image/png", "application/octet-stream")
    ]
    assert item["message"]["content"] == [
        {"image": {"format": "png", "source": {"bytes": shown[0]}}},
        {"reasoningContent": {"redactedContent": shown[1]}},
    ]


def test_a_page_ends_before_lambdas_limit_and_the_next_goes_on(api: HttpApi, store: PostgreSQLStore) -> None:
    # A quote takes three bytes in the end: escaped in the message, and both characters again in Lambda's document.
    add_session(store, "user-123", *['"' * 500_000] * 4)
    first = api.call("GET", HISTORY, session_id="user-123")
    assert len(json.dumps({"body": first.body}).encode()) < 6 * 1024 * 1024
    rest = api.call("GET", HISTORY, session_id="user-123", query=f"cursor={first.json['next_cursor']}").json
    ids = [item["message_id"] for page in (first.json, rest) for item in page["messages"]]
    assert ids == [0, 1, 2, 3]


def test_a_message_that_no_response_can_hold_is_told_by_its_size(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", "x" * 6_000_000, "after")
    first, second = api.call("GET", HISTORY, session_id="user-123").json["messages"]
    assert first["message"] is None
    assert first["omitted_bytes"] > 6_000_000
    assert second["message"]["content"] == [{"text": "after"}]


def test_a_session_before_its_first_message_has_an_empty_history(api: HttpApi, store: PostgreSQLStore) -> None:
    store.sessions.create(f"iam:{ALICE}", SessionRecord("new", "AGENT", NOW, NOW))
    assert api.call("GET", HISTORY, session_id="new").json["messages"] == []


def test_another_agent_is_named_and_the_only_one_need_not_be(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", "Hello", agent_id="support")
    for query in ("agent_id=support", ""):
        history = api.call("GET", HISTORY, session_id="user-123", query=query).json
        assert (history["agent_id"], len(history["messages"])) == ("support", 1)
    assert api.call("GET", HISTORY, session_id="user-123", query="agent_id=default").code == "agent_not_found"


def test_an_export_has_every_row_and_every_byte(api: HttpApi, store: PostgreSQLStore) -> None:
    content = '{"bytes":{"__bytes_encoded__":true,"data":"AAAA"}}'
    image = f'{{"role":"user","content":[{{"image":{{"format":"png","source":{content}}}}}]}}'
    add_messages(store, "user-123", image)
    add_session(store, "user-123", "Hello", agent_id="support")
    store.multi_agents.create(f"iam:{ALICE}", "user-123", "graph", '{"n":1.0}')

    answer = api.call("GET", "/sessions/{session_id}/export", session_id="user-123")

    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert [line["type"] for line in lines] == ["session", "multi_agent", "agent", "message", "agent", "message"]
    assert f'"message":{image}' in answer.body
    assert '"state":{"n":1.0}' in answer.body
    assert "Link" not in answer.headers


def test_a_large_export_comes_in_pages_without_a_gap(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", *["x" * 1_500_000] * 7)
    lines, query = [], ""
    while True:
        page = api.call("GET", "/sessions/{session_id}/export", session_id="user-123", query=query)
        assert len(json.dumps(page.body).encode()) < 6 * 1024 * 1024
        lines += [json.loads(line) for line in page.body.splitlines()]
        if "Link" not in page.headers:
            break
        query = page.headers["Link"].partition("<?")[2].partition(">")[0]
    assert [line["type"] for line in lines[:3]] == ["session", "agent", "message"]
    assert [line["message_id"] for line in lines[2:]] == list(range(7))


def test_another_owners_export_is_not_there(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", "Hello")
    answer = api.call("GET", "/sessions/{session_id}/export", session_id="user-123", user=BOB)
    assert answer.code == "session_not_found"


def test_a_damaged_message_is_shown_as_one_among_the_others(api: HttpApi, store: PostgreSQLStore) -> None:
    deep = '{"role":"user","content":[' + "[" * 5_000 + "]" * 5_000 + "]}"
    encoded = '{"role":"user","content":[{"text":"x"},{"__bytes_encoded__":"json","data":"NaN"}]}'
    whole = '{"role":"user","content":[{"text":"x"}]}'
    add_messages(store, "s", '{"role":"assistant","content":[{"toolUse":5}]}', deep, encoded, whole)
    answer = api.call("GET", HISTORY, session_id="s")
    assert answer.status == 200
    damaged = [message.get("damaged") for message in answer.json["messages"]]
    assert damaged == [
        "has a toolUse that must be an object with a toolUseId and a name",
        "is no JSON object, is nested too deeply, or has a number with too many digits",
        None,
        None,
    ]
    assert [message["message"] is None for message in answer.json["messages"]] == [True, True, False, False]


def test_a_damaged_agent_says_so_and_waits_for_nobody(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "s")
    internal = '{"interrupt_state":{"activated":true,"interrupts":{"a":5},"context":{}}}'
    store.agents.update(f"iam:{ALICE}", "s", AgentRecord("default", "{}", "{}", internal, NOW, NOW))
    answer = api.call("GET", "/sessions/{session_id}/agents/{agent_id}", session_id="s", agent_id="default")
    assert answer.status == 200
    assert answer.json["interrupts"] == []
    assert "interrupts with an id and a name" in answer.json["damaged"]
