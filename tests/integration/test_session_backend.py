"""The session backend's REST contract, over HTTP to the function in real runtime processes."""

import http.client
import json
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from strands import Agent

from local.gateway import LOCAL_OWNER, Gateway, Owner
from session_store.errors import InvalidIdentifierError, TooLargeError
from session_store.http import HttpStore, open_store
from session_store.postgresql import open_store as open_postgresql
from session_store.records import RunRequest
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.contract.records import add_session, message
from tests.http_api import Answer, Context, event_of, load_handler
from tests.scripted_model import ScriptedModel

CALLER = f"iam:{LOCAL_OWNER.user}"
MESSAGE = {"role": "user", "content": [{"text": "Hello"}]}
AGENT = {"agent_id": "default", "state": {}, "conversation_manager_state": {"removed_message_count": 0}}
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def gateway(shared_database_url: str) -> Iterator[Gateway]:
    with Gateway({"SESSION_BACKEND_URL": shared_database_url}, port=0, backend_port=0) as gateway:
        yield gateway


def ask_at(port: int, method: str, path: str, body: Any = None, *, text: str | None = None) -> Answer:
    """`path` goes out as it is; `body` as JSON, `text` as it is."""
    content = text if body is None else json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, content and content.encode(), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = Answer(response.status, dict(response.headers.items()), response.read().decode())
    connection.close()
    return answer


@pytest.fixture
def ask(gateway: Gateway) -> Ask:
    def send(method: str, path: str, body: Any = None, **options: Any) -> Answer:
        return ask_at(gateway.backend_port, method, f"/api/v1{path}", body, **options)

    return send


@pytest.fixture
def database(shared_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def empty(database: psycopg.Connection[Any]) -> None:
    database.execute("DELETE FROM sessions")


def add_agent(ask: Ask, *texts: str, session_id: str = "s") -> str:
    """The path of the agent."""
    assert ask("POST", "/sessions", {"session_id": session_id}).status == 201
    assert ask("POST", f"/sessions/{session_id}/agents", AGENT).status == 201
    path = f"/sessions/{session_id}/agents/default"
    for number, text in enumerate(texts):
        body = {"message_id": number, "message": {"role": "user", "content": [{"text": text}]}}
        assert ask("POST", f"{path}/messages", body).status == 201
    return path


def test_health_tells_of_the_service_and_its_database(gateway: Gateway) -> None:
    for path in ("/health", "/health/db"):
        answer = ask_at(gateway.backend_port, "GET", path)
        assert answer.status == 200
        assert answer.json.keys() == {"status", "timestamp", "version", "checks"}
        assert answer.json["status"] == "healthy"
        assert answer.json["checks"]["database"]["response_time_ms"] > 0


def event_at(path: str, user: str | None = "AIDAALICE", query: str = "") -> dict[str, Any]:
    return event_of("GET", "/health", user, query, {}) | {"resource": "/api/v1/{proxy+}", "path": path}


def call_function(event: dict[str, Any]) -> Answer:
    response = load_handler("session_backend")(event, Context())
    return Answer(response["statusCode"], {}, response["body"])


def test_health_is_503_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    answer = call_function(event_of("GET", "/health", None, "", {}))
    assert (answer.status, answer.json["status"]) == (503, "unhealthy")
    answer = call_function(event_at("/api/v1/sessions"))
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert answer.json["detail"]["error"] == "ServiceUnavailableError"


def test_a_session_is_created_read_changed_listed_and_deleted(ask: Ask) -> None:
    created = ask("POST", "/sessions", {"session_id": "user-123", "session_type": "AGENT"})
    assert created.status == 201
    assert created.json.keys() >= {"session_id", "session_type", "created_at", "updated_at"}
    read = ask("GET", "/sessions/user-123")
    assert read.status == 200
    assert read.json["session_id"] == "user-123"
    assert "multi_agent_state" not in read.json
    state = {"id": "graph", "completed_nodes": ["a"]}
    changed = ask("PUT", "/sessions/user-123", {"multi_agent_state": state})
    assert (changed.status, changed.json["multi_agent_state"]) == (200, state)
    listed = ask("GET", "/sessions").json
    assert (listed["total"], listed["page"], listed["page_size"]) == (1, 1, 10)
    assert [session["session_id"] for session in listed["sessions"]] == ["user-123"]
    assert ask("DELETE", "/sessions/user-123").status == 204
    assert ask("GET", "/sessions/user-123").status == 404


def test_a_session_is_created_with_the_state_of_its_multi_agent(ask: Ask) -> None:
    text = '{"session_id":"s","multi_agent_state":{"z":1.0, "id":"graph", "a":12345678901234567890}}'
    assert ask("POST", "/sessions", text=text).status == 201
    assert '"multi_agent_state":{"z":1.0, "id":"graph", "a":12345678901234567890}' in ask("GET", "/sessions/s").body
    assert ask("GET", "/sessions/s/multi-agents/graph").json["state"]["z"] == 1.0


def test_an_agent_is_created_read_changed_listed_and_deleted(ask: Ask) -> None:
    path = add_agent(ask, "Hello")
    read = ask("GET", path).json
    assert {name: read[name] for name in AGENT} == AGENT
    assert read["internal_state"] == {}
    changed = ask("PUT", path, {**AGENT, "state": {"k": 1}, "created_at": "2030-01-01T00:00:00+00:00"})
    assert (changed.status, changed.json["state"], changed.json["created_at"]) == (200, {"k": 1}, read["created_at"])
    listed = ask("GET", "/sessions/s/agents").json
    assert (listed["total"], [agent["agent_id"] for agent in listed["agents"]]) == (1, ["default"])
    assert ask("DELETE", path).status == 204
    assert ask("GET", path).status == ask("GET", f"{path}/messages").status == ask("DELETE", path).status == 404


def test_a_message_is_created_read_replaced_and_listed(ask: Ask) -> None:
    path = f"{add_agent(ask)}/messages"
    created = ask("POST", path, {"message_id": 0, "message": MESSAGE})
    assert (created.status, created.json["message"]) == (201, MESSAGE)
    read = ask("GET", f"{path}/0").json
    assert read.keys() == {"message_id", "message", "redact_message", "created_at", "updated_at"}
    assert (read["message_id"], read["message"], read["redact_message"]) == (0, MESSAGE, None)
    gone = {"role": "user", "content": [{"text": "[gone]"}]}
    replaced = ask("PUT", f"{path}/0", {"message": MESSAGE, "redact_message": gone})
    assert (replaced.status, replaced.json["message"], replaced.json["redact_message"]) == (200, gone, gone)
    assert ask("GET", "/sessions/s").json["preview"] == "[gone]"
    assert ask("GET", path).json["messages"] == [replaced.json]


def test_only_the_last_message_can_be_deleted(ask: Ask) -> None:
    path = f"{add_agent(ask, 'a', 'b')}/messages"
    refused = ask("DELETE", f"{path}/0")
    assert (refused.status, refused.code) == (409, "message_order")
    assert ask("DELETE", f"{path}/1").status == 204
    assert ask("DELETE", f"{path}/1").status == 404
    assert ask("DELETE", f"{path}/0").status == 204
    session = ask("GET", "/sessions/s").json
    assert (session["message_count"], session["preview"]) == (0, "")
    assert ask("POST", path, {"message_id": 0, "message": MESSAGE}).status == 201


def test_a_body_is_kept_to_the_letter(ask: Ask, database: psycopg.Connection[Any]) -> None:
    path = f"{add_agent(ask)}/messages"
    body = (
        '{ "role": "user", "content": [{"text": "\\u0000\\ud800 é"}],\n "n": [1.0, 1.00, 1E2, 123456789012345678901] }'
    )
    assert ask("POST", path, text=f'{{"message_id": 0, "message": {body}}}').status == 201
    assert database.execute("SELECT message::text FROM messages").fetchone() == (body,)
    assert f'"message":{body}' in ask("GET", f"{path}/0").body
    assert f'"message":{body}' in ask("GET", path).body


def test_lists_are_paged(ask: Ask) -> None:
    path = f"{add_agent(ask, *map(str, range(12)))}/messages"

    def ids(query: str) -> list[int]:
        return [item["message_id"] for item in ask("GET", f"{path}?{query}").json["messages"]]

    first = ask("GET", path).json
    assert (first["total"], first["page"], first["page_size"], first["next_message_id"]) == (12, 1, 10, 10)
    assert ids("") == [*range(10)]
    assert ids("page=2") == [10, 11]
    assert ids("page=3") == []
    assert ids("page=2&page_size=5") == [*range(5, 10)]
    assert ids("order=desc&page_size=3") == [11, 10, 9]
    assert ids("order=desc&page_size=5&page=3") == [1, 0]
    assert ids("order=desc&page=3") == []
    assert ids("from_message_id=7&page_size=3") == [7, 8, 9]
    assert ids("from_message_id=7&page_size=3&page=2") == [10, 11]
    assert ids("from_message_id=7&page_size=3&order=desc") == [7, 6, 5]
    assert ids("page_size=1000") == [*range(12)]
    assert ask("GET", f"{path}?page_size=1000").json["next_message_id"] is None


def test_sessions_are_paged_by_newest_activity(ask: Ask) -> None:
    for number in range(3):
        add_agent(ask, session_id=f"s{number}")

    def ids(query: str) -> list[str]:
        return [session["session_id"] for session in ask("GET", f"/sessions?{query}").json["sessions"]]

    assert ids("page_size=2") == ["s2", "s1"]
    assert ids("page_size=2&page=2") == ["s0"]
    assert ids("page=9") == []
    assert ask("GET", "/sessions?page_size=2").json["total"] == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error", "code"),
    [
        ("GET", "/sessions/none", None, 404, "NotFoundError", "session_not_found"),
        ("PUT", "/sessions/none", {}, 404, "NotFoundError", "session_not_found"),
        ("DELETE", "/sessions/none", None, 404, "NotFoundError", "session_not_found"),
        ("GET", "/sessions/none/agents", None, 404, "NotFoundError", "session_not_found"),
        ("POST", "/sessions/none/agents", AGENT, 404, "NotFoundError", "session_not_found"),
        ("GET", "/sessions/s/agents/none", None, 404, "NotFoundError", "agent_not_found"),
        ("PUT", "/sessions/s/agents/none", {**AGENT, "agent_id": "none"}, 404, "NotFoundError", "agent_not_found"),
        ("GET", "/sessions/s/agents/none/messages", None, 404, "NotFoundError", "agent_not_found"),
        ("GET", "/sessions/s/agents/default/messages/9", None, 404, "NotFoundError", "message_not_found"),
        ("GET", "/sessions/s/agents/default/messages/x", None, 404, "NotFoundError", "message_not_found"),
        ("GET", "/sessions/s/multi-agents/none", None, 404, "NotFoundError", "multi_agent_not_found"),
        ("GET", "/runs/none", None, 404, "NotFoundError", "run_not_found"),
        ("GET", "/nothing", None, 404, "NotFoundError", "route_not_found"),
        ("PATCH", "/sessions/s", {}, 404, "NotFoundError", "route_not_found"),
        ("GET", "/sessions?cursor=x", None, 404, "NotFoundError", "cursor_not_found"),
        ("POST", "/sessions", {"session_id": "s"}, 409, "ConflictError", "already_exists"),
        ("POST", "/sessions/s/agents", AGENT, 409, "ConflictError", "already_exists"),
        (
            "POST",
            "/sessions/s/agents/default/messages",
            {"message_id": 7, "message": MESSAGE},
            409,
            "ConflictError",
            "message_order",
        ),
    ],
)
def test_an_error_says_what_it_is_in_both_forms(
    ask: Ask, method: str, path: str, body: Any, status: int, error: str, code: str
) -> None:
    add_agent(ask)
    answer = ask(method, path, body)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json
    assert (problem["status"], problem["code"], problem["detail"]["error"]) == (status, code, error)
    assert problem["detail"]["message"]
    assert problem["detail"]["request_id"] == problem["request_id"] != ""


MESSAGES = "/sessions/s/agents/default/messages"
BEGIN = {"session_id": "s", "agent_id": "a", "run_id": "00000000-0000-4000-8000-000000000001", "lease_seconds": 30}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/sessions", {}, "session_id"),
        ("POST", "/sessions", {"session_id": "a\nb"}, "session_id"),
        ("POST", "/sessions", {"session_id": "n", "session_type": "OTHER"}, "session_type"),
        ("POST", "/sessions", {"session_id": "n", "created_at": "yesterday"}, "created_at"),
        ("POST", "/sessions", {"session_id": "n", "created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
        ("POST", "/sessions", {"session_id": "n", "updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at"),
        ("POST", "/sessions", {"session_id": "n", "multi_agent_state": {}}, "multi_agent_state"),
        ("POST", "/sessions", [], "body"),
        ("PUT", "/sessions/s", {"session_id": "other"}, "session_id"),
        ("GET", "/sessions/a%0Ab", None, "session_id"),
        ("GET", "/sessions/%FF", None, "session_id"),
        ("GET", "/sessions/~x", None, "session_id"),
        ("GET", "/sessions?page=0", None, "page"),
        ("GET", "/sessions?page_size=1001", None, "page_size"),
        ("GET", "/sessions?limit=-1", None, "limit"),
        ("GET", "/sessions?unknown=1", None, "unknown"),
        ("GET", f"{MESSAGES}?order=up", None, "order"),
        ("GET", f"{MESSAGES}?from_message_id=-1", None, "from_message_id"),
        ("POST", "/sessions/s/agents", {**AGENT, "state": 1}, "state"),
        ("POST", "/sessions/s/agents", {"agent_id": "n", "state": {}}, "conversation_manager_state"),
        ("PUT", "/sessions/s/agents/default", {**AGENT, "agent_id": "other"}, "agent_id"),
        ("POST", MESSAGES, {"message": MESSAGE}, "message_id"),
        ("POST", MESSAGES, {"message_id": -1, "message": MESSAGE}, "message_id"),
        ("POST", MESSAGES, {"message_id": True, "message": MESSAGE}, "message_id"),
        ("POST", MESSAGES, {"message_id": 0}, "message"),
        ("POST", MESSAGES, {"message_id": 0, "message": {"role": "system", "content": []}}, "message"),
        ("POST", MESSAGES, {"message_id": 0, "message": {"role": "user"}}, "message"),
        ("POST", MESSAGES, {"message_id": 0, "message": {"role": "user", "content": ["Hello"]}}, "message"),
        ("POST", MESSAGES, {"message_id": 0, "message": MESSAGE, "created_at": "2026-01-01\ud80000:00"}, "value"),
        ("POST", MESSAGES, {"message_id": 0, "message": MESSAGE, "preview": "x" * 121}, "preview"),
        ("POST", "/runs", {**BEGIN, "run_id": "x"}, "run_id"),
        ("POST", "/runs", {**BEGIN, "lease_seconds": 0}, "lease_seconds"),
        ("POST", "/runs", {**BEGIN, "lease_seconds": 1e9}, "lease_seconds"),
        ("POST", "/runs", {**BEGIN, "lease_seconds": True}, "lease_seconds"),
        ("POST", "/runs", {**BEGIN, "more": 1}, "more"),
        ("POST", f"/runs/{BEGIN['run_id']}/commit", {"session_id": "s", "lease_seconds": 30}, "outcome"),
        ("POST", "/runs/x/append", {"session_id": "s", "lease_seconds": 30}, "run_id"),
    ],
)
def test_a_field_that_is_not_as_it_must_be_is_named(
    ask: Ask, database: psycopg.Connection[Any], method: str, path: str, body: Any, field: str
) -> None:
    add_agent(ask)
    answer = ask(method, path, body)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.json["detail"]["error"] == "ValidationError"
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert database.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    assert database.execute("SELECT count(*) FROM messages").fetchone() == (0,)


@pytest.mark.parametrize("text", ["", "{", '{"session_id":"n","n":NaN}', '{"session_id":"n","session_id":"m"}'])
def test_what_is_not_json_is_malformed(ask: Ask, text: str) -> None:
    answer = ask("POST", "/sessions", text=text)
    assert (answer.status, answer.code) == (400, "malformed_request")


@pytest.mark.parametrize("identifier", ["a/b", "a?b#c", "100%", "50%25", "%2F", "käse 🧀", "~tilde", "a+b", "{x}", ":"])
def test_an_identifier_is_percent_encoded_in_a_path(ask: Ask, identifier: str) -> None:
    add = ask("POST", "/sessions", {"session_id": identifier})
    assert add.status == 201
    path = f"/sessions/{quote(identifier, safe='').replace('~', '%7E')}"
    assert ask("GET", path).json["session_id"] == identifier
    assert ask("POST", f"{path}/agents", {**AGENT, "agent_id": identifier}).status == 201
    assert ask("GET", f"{path}/agents/{path.rpartition('/')[2]}").json["agent_id"] == identifier
    assert ask("DELETE", path).status == 204


def stored_owners(database: psycopg.Connection[Any]) -> set[str]:
    return {owner for (owner,) in database.execute("SELECT owner FROM sessions").fetchall()}


def test_an_owner_is_a_subspace_of_the_caller(ask: Ask, database: psycopg.Connection[Any]) -> None:
    for query in ("", "?owner=alice", "?owner=a%2Fb", "?owner=iam%3AAIDAOTHER", "?owner=~Li4"):
        ask("POST", f"/sessions{query}", {"session_id": "s"})
    inside = {f"{CALLER}/{subspace}" for subspace in ("alice", "a/b", "iam:AIDAOTHER", "..")}
    assert stored_owners(database) == {CALLER, *inside}
    assert ask("POST", "/sessions?owner=alice", {"session_id": "s"}).status == 409
    assert ask("GET", "/sessions/s?owner=bob").status == 404
    assert ask("GET", "/sessions?owner=alice").json["total"] == 1


def test_no_subspace_reaches_another_caller(gateway: Gateway, ask: Ask, database: psycopg.Connection[Any]) -> None:
    for query in ("", "?owner=alice"):
        assert ask("POST", f"/sessions{query}", {"session_id": "s"}).status == 201
    other = gateway.listen(owner=Owner("AIDAOTHER"))
    owners = ("alice", CALLER, f"{CALLER}/alice", f"../{CALLER}", f"/{CALLER}", "../alice")
    for query in ("", *(f"?owner={quote(owner, safe='')}" for owner in owners)):
        assert ask_at(other, "GET", f"/api/v1/sessions{query}").json["sessions"] == []
        assert ask_at(other, "DELETE", f"/api/v1/sessions/s{query}").status == 404
    assert len(stored_owners(database)) == 2


def test_an_owner_that_is_empty_too_long_or_not_printable_is_refused(ask: Ask, gateway: Gateway) -> None:
    longest = 255 - len(CALLER) - 1
    assert ask("POST", f"/sessions?owner={'x' * longest}", {"session_id": "s" * 255}).status == 201
    for owner in ("", "~", "x" * (longest + 1), "%00", "a%0Ab", "~x"):
        answer = ask("GET", f"/sessions?owner={owner}")
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "owner")
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    with pytest.raises(InvalidIdentifierError, match="owner"):
        PostgreSQLSessionRepository(owner="", store=store)
    store.close()


def test_the_longest_identifiers_of_the_widest_characters_fit_into_one_request(gateway: Gateway) -> None:
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    owner, identifier = "🧀" * 200, "🧀" * 255
    add_session(store, owner, "Hello", session_id=identifier, agent_id=identifier)
    assert store.messages.read(owner, identifier, identifier, 0) == message(0, "Hello")
    store.close()


def test_the_default_owner_is_the_caller_itself(gateway: Gateway, database: psycopg.Connection[Any]) -> None:
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    with PostgreSQLSessionRepository(store=store).run("s"):
        pass
    store.close()
    assert stored_owners(database) == {CALLER}


def test_no_verified_caller_is_401(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    nobody = event_at("/api/v1/sessions", None, "owner=iam:AIDAALICE")
    # A user pool never makes such a subject: with it, one caller's id would be another's subspace.
    inside = event_at("/api/v1/sessions", None)
    inside["requestContext"]["authorizer"] = {"claims": {"iss": "https://cognito/pool", "sub": "alice/bob"}}
    for event in (nobody, inside):
        answer = call_function(event)
        assert (answer.status, answer.code, answer.json["detail"]["error"]) == (
            401,
            "unauthorized",
            "AuthenticationError",
        )


def test_a_custom_domains_prefix_changes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    answer = call_function(event_at("/agents/api/v1/sessions/a%2Fb"))
    assert answer.json["attributes"] == {"identifier": "a/b"}
    open_postgresql(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


def test_a_page_ends_before_lambdas_limit_and_tells_where_it_goes_on(ask: Ask) -> None:
    path = f"{add_agent(ask, *['x' * 2_000_000] * 3)}/messages"
    first = ask("GET", path)
    assert len(json.dumps({"body": first.body}).encode()) < 6_000_000
    assert (len(first.json["messages"]), first.json["total"], first.json["next_message_id"]) == (2, 3, 2)
    assert [item["message_id"] for item in ask("GET", f"{path}?from_message_id=2").json["messages"]] == [2]


def test_of_large_messages_few_more_are_read_than_an_answer_holds(
    ask: Ask, database: psycopg.Connection[Any], shared_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = add_agent(ask)
    database.execute("UPDATE agents SET message_count = 90")
    database.execute(
        """INSERT INTO messages
           SELECT session_key, agent_id, number, json_build_object('text', repeat('x', 1000000)), NULL, '', ''
           FROM agents, generate_series(0, 89) AS number"""
    )
    monkeypatch.setenv("SESSION_BACKEND_URL", shared_database_url)
    event = event_at(f"/api/v1{path}/messages", LOCAL_OWNER.user, "page_size=1000")
    tracemalloc.start()
    answer = call_function(event)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answer.json["messages"]) == 4
    assert peak_bytes < 60_000_000
    open_postgresql(StoreSettings.from_environment({"SESSION_BACKEND_URL": shared_database_url})).close()


def test_what_no_answer_can_hold_is_told_by_its_size(
    ask: Ask, gateway: Gateway, database: psycopg.Connection[Any]
) -> None:
    path = f"{add_agent(ask, 'small', 'small')}/messages"
    database.execute(
        """UPDATE messages SET message = json_build_object('role', 'user', 'content',
           json_build_array(json_build_object('text', repeat('x', 6000000)))) WHERE message_id = 1"""
    )
    small, big = ask("GET", path).json["messages"]
    assert small["message"]["content"] == [{"text": "small"}]
    assert big.keys() == {"message_id", "omitted_bytes"}
    assert big["omitted_bytes"] > 6_000_000
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    for read in (
        lambda: store.messages.read("default", "s", "default", 1),
        lambda: store.messages.list("default", "s", "default"),
        lambda: store.runs.begin("default", RunRequest("s", "default", BEGIN["run_id"], 30)),
    ):
        with pytest.raises(TooLargeError, match="message 1 takes 6000"):
            read()
    assert store.runs.read("default", BEGIN["run_id"]).status == "failed"
    store.close()


def test_a_run_beside_an_agent_that_no_answer_can_hold_keeps_nobody_from_the_session(
    ask: Ask, gateway: Gateway, database: psycopg.Connection[Any]
) -> None:
    add_agent(ask, "Hello")
    database.execute("UPDATE agents SET state = json_build_object('notes', repeat('x', 6000000))")
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    with pytest.raises(TooLargeError, match="answer takes 6000"):
        store.runs.begin("default", RunRequest("s", "default", BEGIN["run_id"], 30))
    assert store.runs.read("default", BEGIN["run_id"]).status == "failed"
    assert ask("PUT", "/sessions/s", {}).status == 200
    store.close()


SNIPPET = """
from strands.session.repository_session_manager import RepositorySessionManager
from agent.postgresql_session_repository import PostgreSQLSessionRepository

# Create session repository
session_repository = PostgreSQLSessionRepository(base_url="http://localhost:8001")

# Create session manager
session_manager = RepositorySessionManager(
    session_id="user-123",
    session_repository=session_repository
)

# Create agent with session management
agent = Agent(
    system_prompt=SYSTEM_PROMPT,
    tools=tools,
    session_manager=session_manager
)
"""


def test_the_snippet_of_the_session_management_architecture_runs_as_printed(gateway: Gateway, ask: Ask) -> None:
    printed = SNIPPET.replace(":8001", f":{gateway.backend_port}")
    for prompt, answer in (("My name is Alice", "Hello Alice"), ("What is my name?", "Alice")):
        names: dict[str, Any] = {"SYSTEM_PROMPT": "Be brief.", "tools": []}
        names["Agent"] = partial(Agent, model=ScriptedModel(answer), callback_handler=None)
        exec(printed, names)  # noqa: S102 - it is printed above
        names["agent"](prompt)
    (agent,) = ask("GET", "/sessions/user-123/agents").json["agents"]
    stored = ask("GET", f"/sessions/user-123/agents/{agent['agent_id']}/messages").json["messages"]
    texts = [item["message"]["content"][0]["text"] for item in stored]
    assert texts == ["My name is Alice", "Hello Alice", "What is my name?", "Alice"]
    open_store(StoreSettings(url=f"http://localhost:{gateway.backend_port}")).close()
