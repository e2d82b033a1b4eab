"""An agent of a session: what it remembers besides its messages, and what it waits for."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.answers import AgentSummary, Interrupt
from api.app import Api
from api.request import Request
from api.responses import json_text, text_response
from session_store.errors import AgentNotFoundError, SessionNotFoundError
from session_store.interrupts import find_interrupts
from session_store.records import AgentRecord
from session_store.store import Store
from session_store.wire import MAXIMUM_BYTES, wire_bytes


class AgentRoutes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.route("GET", "/sessions/{session_id}/agents/{agent_id}", self.read)

    def read(self, request: Request) -> Response[str]:
        """The state goes from the database to the caller without being parsed."""
        owner, session_id, agent_id = request.owner, request.identifier("session_id"), request.identifier("agent_id")
        request.query()
        record = self._store.agents.read(owner, session_id, agent_id)
        if record is None:
            known = self._store.sessions.read(owner, session_id)
            raise AgentNotFoundError(agent_id) if known else SessionNotFoundError(session_id)
        text = f'{json_text(summary_of(session_id, record))[:-1]},"state":{record.state}}}'
        if wire_bytes(text) > MAXIMUM_BYTES:
            omitted = {"state": None, "omitted_bytes": len(record.state.encode())}
            text = json_text({**summary_of(session_id, record), **omitted})
        return text_response(text, "application/json")


def summary_of(session_id: str, record: AgentRecord) -> AgentSummary:
    return {
        "session_id": session_id,
        "agent_id": record.agent_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "message_count": record.message_count,
        "interrupts": _waiting(json.loads(record.internal_state)),
    }


def _waiting(internal_state: Mapping[str, Any]) -> list[Interrupt]:
    return [_interrupt(each) for each in find_interrupts(internal_state).values() if each.get("response") is None]


def _interrupt(stored: Mapping[str, Any]) -> Interrupt:
    return {"id": stored["id"], "name": stored["name"], "reason": stored.get("reason")}
