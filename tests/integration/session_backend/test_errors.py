"""What the session backend refuses, and how it says so."""

import uuid
from typing import Any

import psycopg
import pytest

from api.backend.catalog import RESOURCES
from api.problems import find_code
from api.routing import find_operation
from tests.integration.session_backend.requests import AGENT, BEGIN, MESSAGE, MESSAGES, Ask, add_agent

pytestmark = pytest.mark.usefixtures("empty")


def said(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


ERRORS: list[tuple[str, str, Any, int, str, str]] = [
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
    ("PATCH", "/sessions/s/agents", {}, 404, "NotFoundError", "route_not_found"),
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
]


@pytest.mark.parametrize(("method", "path", "body", "status", "error", "code"), ERRORS)
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


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/sessions", {}, "session_id"),
        ("POST", "/sessions", {"session_id": "a\nb"}, "session_id"),
        ("POST", "/sessions", {"session_id": ".."}, "session_id"),
        ("POST", "/sessions", {"session_id": "n", "session_type": "OTHER"}, "session_type"),
        ("POST", "/sessions", {"session_id": "n", "created_at": "yesterday"}, "created_at"),
        ("POST", "/sessions", {"session_id": "n", "created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
        ("POST", "/sessions", {"session_id": "n", "updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at"),
        ("POST", "/sessions", {"session_id": "n", "multi_agent_state": {"id": 7}}, "multi_agent_state"),
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
        ("POST", "/runs", {**BEGIN, "session_id": "."}, "session_id"),
        ("POST", "/runs", {**BEGIN, "lease_seconds": 0}, "lease_seconds"),
        ("POST", "/runs", {**BEGIN, "lease_seconds": 1e9}, "lease_seconds"),
        ("POST", "/runs", {**BEGIN, "lease_seconds": True}, "lease_seconds"),
        ("POST", "/runs", {**BEGIN, "more": 1}, "more"),
        ("POST", f"/runs/{BEGIN['run_id']}/commit", {"session_id": "s", "lease_seconds": 30}, "outcome"),
        (
            *("POST", f"/runs/{BEGIN['run_id']}/append", {"session_id": "s", "lease_seconds": 30, "number": 0}),
            "number",
        ),
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


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [(method, path, code) for method, path, _, _, _, code in ERRORS if code != "route_not_found"],
)
def test_an_operation_declares_its_errors(method: str, path: str, code: str) -> None:
    operation, _ = find_operation(RESOURCES, method, f"/api/v1{path.partition('?')[0]}")
    assert operation is not None
    assert code in {find_code(kind) for kind in operation.errors}


@pytest.mark.parametrize("text", ["", "{", '{"session_id":"n","n":NaN}', '{"session_id":"n","session_id":"m"}'])
def test_what_is_not_json_is_malformed(ask: Ask, text: str) -> None:
    answer = ask("POST", "/sessions", text=text)
    assert (answer.status, answer.code) == (400, "malformed_request")


AGENT_PLACE = "/sessions/s/agents/default"
INACTIVE = {"interrupts": {}, "context": {}, "activated": False}
ENCODED_LIST = {"__bytes_encoded__": "json", "data": "[]"}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", f"{AGENT_PLACE}/messages", {"message_id": 0, "message": said({"toolUse": 5})}, "message"),
        ("PUT", AGENT_PLACE, {**AGENT, "internal_state": {"interrupt_state": []}}, "internal_state.interrupt_state"),
        ("POST", "/sessions/s/agents", {**AGENT, "agent_id": "b", "state": ENCODED_LIST}, "state"),
        (
            "POST",
            "/sessions/s/multi-agents",
            {"multi_agent_id": "g", "state": {"_internal_state": {"interrupt_state": {**INACTIVE, "context": 5}}}},
            "state",
        ),
        ("PUT", "/sessions/s", {"multi_agent_state": {"id": "g", "_internal_state": 5}}, "state"),
    ],
)
def test_what_no_agent_could_be_restored_from_is_refused_by_its_field(
    ask: Ask, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    add_agent(ask)
    refused = ask(method, path, body)
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert refused.json["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "twice",
    [
        {"created_agents": [AGENT, AGENT]},
        {"created_agents": [AGENT], "updated_agents": [AGENT]},
        {"multi_agents": [{"multi_agent_id": "g", "state": {}}] * 2},
        {"redactions": [{"agent_id": "default", "message_id": 0, "message": said({"text": "x"})}] * 2},
    ],
)
def test_what_stands_in_a_write_twice_is_refused(ask: Ask, twice: dict[str, Any]) -> None:
    run_id = str(uuid.uuid4())
    assert ask("POST", "/runs", {**BEGIN, "run_id": run_id}).status == 201
    refused = ask("POST", f"/runs/{run_id}/append", {"session_id": "s", "lease_seconds": 30, **twice})
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert "only once" in refused.json["detail"]["message"]
