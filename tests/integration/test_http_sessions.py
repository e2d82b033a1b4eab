"""The sessions function, called with REST proxy events, on a real database."""

import base64
import json
from collections.abc import Iterator

import pytest

from session_store.postgresql import PostgreSQLStore, open_store
from session_store.settings import StoreSettings
from tests.integration.stored_sessions import HISTORY, add_session
from tests.support.http_api import ALICE, BOB, HttpApi, event_of, load_handler

SESSION = "/sessions/{session_id}"


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    yield HttpApi(sessions=load_handler("sessions"))
    open_store(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


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


@pytest.mark.parametrize("session_id", ["a/b", "100%", "50%25", "a?b#c", 'q"uote', "käse 🧀", "...", "x" * 255])
def test_any_printable_session_id_is_reached(api: HttpApi, store: PostgreSQLStore, session_id: str) -> None:
    add_session(store, session_id, "Hello")
    assert len(api.call("GET", HISTORY, session_id=session_id).json["messages"]) == 1
    assert api.call("DELETE", SESSION, session_id=session_id).status == 204
    assert api.call("GET", HISTORY, session_id=session_id).code == "session_not_found"


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
