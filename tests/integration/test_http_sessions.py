"""The sessions function, called with REST proxy events, on a real database."""

import base64
import json
from collections.abc import Iterator

import pytest

from session_store.postgresql import PostgreSQLStore, open_store
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.settings import StoreSettings
from tests.support.http_api import ALICE, BOB, HttpApi, event_of, load_handler

NOW = "2026-11-22T10:00:00+00:00"
HISTORY = "/sessions/{session_id}/history"
SESSION = "/sessions/{session_id}"


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    yield HttpApi(sessions=load_handler("sessions"))
    open_store(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


def add_session(
    store: PostgreSQLStore, session_id: str, *texts: str, owner: str = f"iam:{ALICE}", agent_id: str = "default"
) -> None:
    messages = [{"role": "user", "content": [{"text": text}]} for text in texts]
    add_messages(store, session_id, *(json.dumps(message) for message in messages), owner=owner, agent_id=agent_id)


def add_messages(
    store: PostgreSQLStore, session_id: str, *messages: str, owner: str = f"iam:{ALICE}", agent_id: str = "default"
) -> None:
    if store.sessions.read(owner, session_id) is None:
        store.sessions.create(owner, SessionRecord(session_id, "AGENT", NOW, NOW))
    store.agents.create(owner, session_id, AgentRecord(agent_id, "{}", "{}", "{}", NOW, NOW))
    for message_id, message in enumerate(messages):
        record = MessageRecord(message_id, message, None, NOW, NOW)
        store.messages.create(owner, session_id, agent_id, record, "Hello" if message_id == 0 else None)


def test_a_session_is_listed_with_its_times_count_and_preview(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", "Hello", "there")

    answer = api.call("GET", "/sessions")

    assert answer.status == 200
    (session,) = answer.json["sessions"]
    assert session["session_id"] == "user-123"
    assert (session["message_count"], session["preview"]) == (2, "Hello")
    assert session["created_at"] <= session["updated_at"]
    assert answer.json["next_cursor"] is None


def test_pages_hold_every_session_once_with_the_newest_activity_first(api: HttpApi, store: PostgreSQLStore) -> None:
    for number in range(5):
        add_session(store, f"s{number}", "Hello")
    seen, query = [], "limit=2"
    while True:
        page = api.call("GET", "/sessions", query=query).json
        seen += [session["session_id"] for session in page["sessions"]]
        if page["next_cursor"] is None:
            break
        query = f"limit=2&cursor={page['next_cursor']}"
    assert seen == ["s4", "s3", "s2", "s1", "s0"]


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


@pytest.mark.parametrize("session_id", ["a/b", "100%", "50%25", "a?b#c", 'q"uote', "käse 🧀", "...", "x" * 255])
def test_any_printable_session_id_is_reached(api: HttpApi, store: PostgreSQLStore, session_id: str) -> None:
    add_session(store, session_id, "Hello")
    assert len(api.call("GET", HISTORY, session_id=session_id).json["messages"]) == 1
    assert api.call("DELETE", SESSION, session_id=session_id).status == 204
    assert api.call("GET", HISTORY, session_id=session_id).code == "session_not_found"


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


@pytest.mark.parametrize(("method", "resource"), [("GET", HISTORY), ("DELETE", SESSION)])
def test_another_owners_session_is_not_there(api: HttpApi, store: PostgreSQLStore, method: str, resource: str) -> None:
    add_session(store, "user-123", "Hello")
    theirs = api.call(method, resource, session_id="user-123", user=BOB)
    missing = api.call(method, resource, session_id="nobodys", user=BOB)
    assert theirs.status == missing.status == 404
    assert theirs.body == missing.body.replace("nobodys", "user-123")
    assert api.call("GET", HISTORY, session_id="user-123").status == 200


def test_another_owners_cursor_opens_no_page(api: HttpApi, store: PostgreSQLStore) -> None:
    for number in range(3):
        add_session(store, f"s{number}", "Hello")
    cursor = api.call("GET", "/sessions", query="limit=1").json["next_cursor"]
    assert api.call("GET", "/sessions", query=f"cursor={cursor}", user=BOB).code == "cursor_not_found"
    assert api.call("GET", "/sessions", user=BOB).json["sessions"] == []


def test_the_database_away_is_503_and_health_stays_well(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    away = HttpApi(sessions=load_handler("sessions"))
    for resource in ("/sessions", "/health/db"):
        answer = away.call("GET", resource)
        assert (answer.status, answer.code) == (503, "store_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "127.0.0.1" not in answer.body
    assert away.call("GET", "/health", user=None).json == {"status": "ok"}


def test_database_health_is_measured(api: HttpApi) -> None:
    answer = api.call("GET", "/health/db")
    assert answer.json["status"] == "ok"
    assert answer.json["round_trip_ms"] > 0


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


DEEP = base64.urlsafe_b64encode(b"[" * 6000).decode()


@pytest.mark.parametrize("cursor", ["x", "W10", "eyJhIjoxfQ", "WzEsMiwzXQ", "[" * 5000, DEEP])
def test_a_cursor_that_nobody_gave_opens_no_page(api: HttpApi, store: PostgreSQLStore, cursor: str) -> None:
    add_session(store, "user-123", "Hello")
    export = api.call("GET", "/sessions/{session_id}/export", session_id="user-123", query=f"cursor={cursor}")
    listed = api.call("GET", "/sessions", query=f"cursor={cursor}")
    assert export.code == listed.code == "cursor_not_found"


CHANGES = [(0, None), (1, None), (1, "0001-01-01T00:00:00+23:59"), (2, "x"), (2, "\0"), (2, [1]), (2, {"a": 1})]


@pytest.mark.parametrize(("place", "value"), CHANGES)
def test_a_changed_cursor_opens_no_page(api: HttpApi, store: PostgreSQLStore, place: int, value: object) -> None:
    for number in range(2):
        add_session(store, f"s{number}", "Hello")
    given = api.call("GET", "/sessions", query="limit=1").json["next_cursor"]
    position = json.loads(base64.urlsafe_b64decode(given + "=="))
    position[place] = value
    cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
    assert api.call("GET", "/sessions", query=f"cursor={cursor}").code == "cursor_not_found"


def test_another_owners_export_is_not_there(api: HttpApi, store: PostgreSQLStore) -> None:
    add_session(store, "user-123", "Hello")
    answer = api.call("GET", "/sessions/{session_id}/export", session_id="user-123", user=BOB)
    assert answer.code == "session_not_found"


QUERIES = [
    ("/sessions", "limit=0", "limit"),
    ("/sessions", "limit=101", "limit"),
    ("/sessions", "limit=ten", "limit"),
    ("/sessions", "cursor=", "cursor"),
    ("/sessions", "limit=1&limit=2", "limit"),
    ("/sessions", "offset=3", "offset"),
    (HISTORY, "order=random", "order"),
    (HISTORY, "cursor=-1", "cursor"),
    (HISTORY, "cursor=99999999999999999999", "cursor"),
    (HISTORY, "agent_id=", "agent_id"),
]


@pytest.mark.parametrize(("resource", "query", "field"), QUERIES)
def test_a_wrong_parameter_is_422_naming_it(api: HttpApi, resource: str, query: str, field: str) -> None:
    answer = api.call("GET", resource, session_id="user-123", query=query)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("raw", ["a%0Ab", "%00", "%ff", "x" * 256, ""])
def test_a_session_id_that_breaks_the_rule_is_422(api: HttpApi, raw: str) -> None:
    event = event_of("GET", HISTORY, ALICE, "", {"session_id": "x"})
    event["pathParameters"]["session_id"] = raw
    answer = api.send(event)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "session_id")


def test_a_session_is_named_and_found_by_its_name(api: HttpApi, store: PostgreSQLStore) -> None:
    for session_id in ("user-123", "another"):
        add_session(store, session_id, "Hello")
    body = {"title": "Trip to Rome", "metadata": {"project": "rome"}}
    changed = api.call(
        "PATCH", SESSION, session_id="user-123", body=body, headers={"Content-Type": "application/merge-patch+json"}
    )
    assert (changed.status, changed.json["title"], changed.json["metadata"]) == (200, *body.values())
    assert api.call("GET", SESSION, session_id="user-123").json == {**changed.json, "forks": []}
    for query in ("title=Trip%20to%20Rome", "metadata.project=rome", "metadata.project=rome&title=Trip to Rome"):
        assert api.call("GET", "/sessions", query=query).json["sessions"] == [changed.json]
    assert api.call("GET", "/sessions", query="metadata.project=oslo").json["sessions"] == []
    assert '"title":"Trip to Rome"' in api.call("GET", f"{SESSION}/export", session_id="user-123").body


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_another_owners_session_is_neither_read_nor_named(api: HttpApi, store: PostgreSQLStore, method: str) -> None:
    add_session(store, "user-123", "Hello")
    theirs = api.call(method, SESSION, session_id="user-123", user=BOB, body={"title": "Mine"})
    assert theirs.code == "session_not_found"
    assert api.call("GET", SESSION, session_id="user-123").json["title"] is None


@pytest.mark.parametrize("body", [{"title": ""}, {"title": "x" * 201}, {"metadata": []}, {"preview": "x"}, []])
def test_a_wrong_change_is_422_naming_the_field(api: HttpApi, store: PostgreSQLStore, body: object) -> None:
    add_session(store, "user-123", "Hello")
    answer = api.call("PATCH", SESSION, session_id="user-123", body=body)
    field = next(iter(body)) if isinstance(body, dict) else "body"
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)


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
