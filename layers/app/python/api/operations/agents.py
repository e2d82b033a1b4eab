"""An agent of a session: what it remembers besides its messages, and what it waits for."""

import json
from collections.abc import Mapping
from typing import Any

from api import answers
from api.call import Call
from api.operation import Operation
from api.parameters import SESSION_ID, path_identifier
from api.response import Response, text_response
from session_store.errors import AgentNotFoundError, InvalidInputError, SessionNotFoundError
from session_store.interrupts import find_interrupts
from session_store.raw_json import dump_json
from session_store.records import AgentRecord
from session_store.restorable import check_agent
from session_store.wire import MAXIMUM_BYTES, wire_bytes

AGENT_ID = path_identifier("agent_id", "One of the session's agents.")


def read_agent(call: Call) -> Response:
    """The state goes from the database to the caller without being parsed."""
    session_id, agent_id = call[SESSION_ID], call[AGENT_ID]
    record = call.store.agents.read(call.owner, session_id, agent_id)
    if record is None:
        known = call.store.sessions.read(call.owner, session_id)
        raise AgentNotFoundError(agent_id) if known else SessionNotFoundError(session_id)
    summary = _summarize(session_id, record)
    text = f'{dump_json(summary)[:-1]},"state":{record.state}}}'
    if wire_bytes(text) > MAXIMUM_BYTES:
        text = dump_json({**summary, "state": None, "omitted_bytes": len(record.state.encode())})
    return text_response(text, "application/json")


def _summarize(session_id: str, record: AgentRecord) -> answers.AgentSummary:
    summary: answers.AgentSummary = {
        "session_id": session_id,
        "agent_id": record.agent_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "message_count": record.message_count,
        "interrupts": [],
    }
    try:
        check_agent(record)
    except (InvalidInputError, ValueError, RecursionError) as error:
        return {**summary, "damaged": str(error)}
    return {**summary, "interrupts": _waiting(json.loads(record.internal_state))}


def _waiting(internal_state: Mapping[str, Any]) -> list[answers.Interrupt]:
    return [_interrupt(each) for each in find_interrupts(internal_state).values() if each.get("response") is None]


def _interrupt(stored: Mapping[str, Any]) -> answers.Interrupt:
    return {"id": stored["id"], "name": stored["name"], "reason": stored.get("reason")}


OPERATIONS = (
    Operation(
        operation_id="readAgent",
        method="GET",
        path="/sessions/{session_id}/agents/{agent_id}",
        handle=read_agent,
        summary="Read what an agent of a session keeps, and what it waits for",
        parameters=[SESSION_ID, AGENT_ID],
        answer=answers.Agent,
        example={
            "session_id": "user-123",
            "agent_id": "default",
            "created_at": "2026-11-22T10:00:00+00:00",
            "updated_at": "2026-11-22T10:00:02+00:00",
            "message_count": 4,
            "interrupts": [],
            "state": {"notes": ["Alice is allergic to nuts."]},
        },
        errors=[SessionNotFoundError, AgentNotFoundError],
    ),
)
