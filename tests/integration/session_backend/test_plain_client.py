"""A client that knows Strands and HTTP alone: it sends what `to_dict` makes and reads the answers with `from_dict`."""

from typing import Any
from urllib.parse import urlencode

import pytest
from strands import Agent, ToolContext, tool
from strands.session.repository_session_manager import RepositorySessionManager
from strands.session.session_repository import SessionRepository
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from local.gateway import Gateway
from session_store.http import HttpStore
from session_store.settings import StoreSettings
from tests.integration.session_backend.requests import AGENT, Ask, add_agent, ask_at
from tests.support.http_api import Answer
from tests.support.scripted_model import ScriptedModel, UseTool

pytestmark = pytest.mark.usefixtures("empty")
LARGE = "x" * 3_000_000


class PlainClient(SessionRepository):
    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def create_session(self, session: Session, **_: Any) -> Session:
        return Session.from_dict(_read(self._ask("POST", "/sessions", session.to_dict())))

    def read_session(self, session_id: str, **_: Any) -> Session | None:
        answer = self._ask("GET", f"/sessions/{session_id}")
        return None if answer.status == 404 else Session.from_dict(_read(answer))

    def create_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        answer = _read(self._ask("POST", f"/sessions/{session_id}/agents", session_agent.to_dict()))
        assert SessionAgent.from_dict(answer) == session_agent

    def read_agent(self, session_id: str, agent_id: str, **_: Any) -> SessionAgent | None:
        answer = self._ask("GET", f"/sessions/{session_id}/agents/{agent_id}")
        return None if answer.status == 404 else SessionAgent.from_dict(_read(answer))

    def update_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        _read(self._ask("PUT", f"/sessions/{session_id}/agents/{session_agent.agent_id}", session_agent.to_dict()))

    def create_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **_: Any) -> None:
        answer = _read(self._ask("POST", _messages(session_id, agent_id), session_message.to_dict()))
        assert SessionMessage.from_dict(answer) == session_message

    def read_message(self, session_id: str, agent_id: str, message_id: int, **_: Any) -> SessionMessage | None:
        answer = self._ask("GET", f"{_messages(session_id, agent_id)}/{message_id}")
        return None if answer.status == 404 else SessionMessage.from_dict(_read(answer))

    def update_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **_: Any) -> None:
        path = f"{_messages(session_id, agent_id)}/{session_message.message_id}"
        _read(self._ask("PUT", path, session_message.to_dict()))

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **_: Any
    ) -> list[SessionMessage]:
        query = urlencode({"page": 1, "page_size": 1000})
        listed = _read(self._ask("GET", f"{_messages(session_id, agent_id)}?{query}"))["messages"]
        return [SessionMessage.from_dict(item) for item in listed][offset:][:limit]


def _read(answer: Answer) -> Any:
    assert answer.status in (200, 201), answer.body
    return answer.json


def _messages(session_id: str, agent_id: str) -> str:
    return f"/sessions/{session_id}/agents/{agent_id}/messages"


@tool(context=True)
def transfer(tool_context: ToolContext) -> str:
    """Transfer money."""
    return f"transferred: {tool_context.interrupt('approval', reason='a transfer')}"


def test_an_interrupt_waits_for_its_answer_in_another_process(ask: Ask) -> None:
    def agent(*turns: Any) -> Agent:
        manager = RepositorySessionManager(session_id="s", session_repository=PlainClient(ask))
        return Agent(
            ScriptedModel(*turns), agent_id="teller", tools=[transfer], session_manager=manager, callback_handler=None
        )

    (interrupt,) = agent(UseTool("transfer", {}))("Transfer 10").interrupts or ()
    again = agent("Done.")
    again([{"interruptResponse": {"interruptId": interrupt.id, "response": "yes"}}])
    assert "transferred: yes" in str(again.messages)
    stored = PlainClient(ask).list_messages("s", "teller")
    assert [message.message["role"] for message in stored] == ["user", "assistant", "user", "assistant"]


def test_the_internal_state_is_known_by_either_name(ask: Ask) -> None:
    path = add_agent(ask)
    for name in ("internal_state", "_internal_state"):
        changed = ask("PUT", path, {name: {"set_as": name}}).json
        assert changed["internal_state"] == changed["_internal_state"] == {"set_as": name}
    (listed,) = ask("GET", "/sessions/s/agents").json["agents"]
    assert listed["_internal_state"] == {"set_as": "_internal_state"}
    refused = ask("PUT", path, {"internal_state": {}, "_internal_state": {"a": 1}})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "_internal_state")


def test_an_internal_state_that_fits_into_an_answer_once_is_read_by_any_client(ask: Ask, gateway: Gateway) -> None:
    created = ask("POST", "/sessions", {"session_id": "s"})
    assert created.status == 201
    assert ask("POST", "/sessions/s/agents", {**AGENT, "_internal_state": {"large": LARGE}}).status == 201
    read = PlainClient(ask).read_agent("s", "default")
    assert read
    assert read._internal_state == {"large": LARGE}
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    record = store.agents.read("default", "s", "default")
    store.close()
    assert record
    assert len(record.internal_state) > len(LARGE)


def test_an_empty_timestamp_is_none(ask: Ask) -> None:
    created = PlainClient(ask).create_session(Session("s", SessionType.AGENT, created_at="", updated_at=""))
    assert created.created_at.startswith("20")
    agent = {**AGENT, "created_at": "", "updated_at": ""}
    assert ask("POST", "/sessions/s/agents", agent).json["created_at"].startswith("20")


def test_what_a_change_of_an_agent_leaves_out_stays_as_it_is(ask: Ask) -> None:
    path = add_agent(ask)
    whole = {
        "state": {"a": 1},
        "conversation_manager_state": {"removed_message_count": 3},
        "internal_state": {"b": 2},
    }
    assert ask("PUT", path, whole).json["removed_message_count"] == 3
    for change in ({"state": {"a": 2}}, {"internal_state": {"b": 3}}, {}):
        whole |= change
        changed = ask("PUT", path, change)
        assert changed.status == 200
        assert {name: changed.json[name] for name in whole} == whole
        assert changed.json["removed_message_count"] == 3
    moved = ask("PUT", path, {"conversation_manager_state": {"removed_message_count": 5}}).json
    assert (moved["removed_message_count"], moved["state"]) == (5, {"a": 2})


def test_a_state_of_a_multi_agent_needs_no_id(ask: Ask) -> None:
    created = ask("POST", "/sessions", {"session_id": "s", "multi_agent_state": {"key": "value"}})
    assert (created.status, created.json["multi_agent_state"]) == (201, {"key": "value"})
    changed = ask("PUT", "/sessions/s", {"multi_agent_state": {"key": "other"}}).json["multi_agent_state"]
    assert changed == ask("GET", "/sessions/s").json["multi_agent_state"] == {"key": "other"}
    assert ask("GET", "/sessions/s/multi-agents").json["total"] == 1


@pytest.mark.parametrize(
    ("path", "status"), [("", "healthy"), ("/db", "healthy"), ("/ready", "ready"), ("/live", "alive")]
)
def test_each_probe_has_its_answer(gateway: Gateway, path: str, status: str) -> None:
    answer = ask_at(gateway.backend_port, "GET", f"/health{path}")
    assert (answer.status, answer.json["status"]) == (200, status)
    assert answer.json.keys() == {"status", "timestamp", "version", "checks"}
    assert answer.json["checks"]["service"] == {"status": status}
    assert ("database" in answer.json["checks"]) == (path != "/live")
