"""What the session backend keeps: created, read, changed, listed, deleted, over HTTP to real runtime processes."""

from functools import partial
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from strands import Agent

from local.gateway import Gateway
from session_store.http import open_store
from session_store.settings import StoreSettings
from tests.integration.session_backend.requests import AGENT, MESSAGE, Ask, add_agent, call_function, event_at
from tests.support.http_api import event_of
from tests.support.scripted_model import ScriptedModel

pytestmark = pytest.mark.usefixtures("empty")


def test_health_is_503_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    answer = call_function(event_of("GET", "/health", None, "", {}))
    assert (answer.status, answer.json["status"]) == (503, "unhealthy")
    answer = call_function(event_of("GET", "/health/live", None, "", {}))
    assert (answer.status, answer.json["status"]) == (200, "alive")
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


@pytest.mark.parametrize("identifier", ["a/b", "a?b#c", "100%", "50%25", "%2F", "käse 🧀", "~tilde", "a+b", "{x}", ":"])
def test_an_identifier_is_percent_encoded_in_a_path(ask: Ask, identifier: str) -> None:
    add = ask("POST", "/sessions", {"session_id": identifier})
    assert add.status == 201
    path = f"/sessions/{quote(identifier, safe='').replace('~', '%7E')}"
    assert ask("GET", path).json["session_id"] == identifier
    assert ask("POST", f"{path}/agents", {**AGENT, "agent_id": identifier}).status == 201
    assert ask("GET", f"{path}/agents/{path.rpartition('/')[2]}").json["agent_id"] == identifier
    assert ask("DELETE", path).status == 204


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
