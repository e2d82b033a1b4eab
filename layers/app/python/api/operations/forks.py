"""Forks: another session that begins with what one has."""

import uuid
from http import HTTPStatus
from typing import Any

from api import answers
from api.call import Call
from api.errors import MalformedRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from api.operation import Body, Operation
from api.operations.sessions import SESSION_EXAMPLE, SESSION_LINKS
from api.parameters import SESSION_ID
from api.request_schemas import ForkChoice
from api.response import Response, json_response
from api.session_summary import summarize
from session_store.document import Document
from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    MessageNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
)
from session_store.identifiers import checked_new_session_id
from session_store.session_records import ForkRequest

_MEMBERS = ("session_id", "message_id", "agent_id")


def fork_session(call: Call) -> Response:
    fork = call.store.sessions.fork(call.owner, call[SESSION_ID], _parse(call))
    answer: answers.Fork = {**summarize(fork.session), "state_message_id": fork.state_message_id}
    return json_response(answer, HTTPStatus.CREATED)


def _parse(call: Call) -> ForkRequest:
    body: Document = call.document().refuse_others(_MEMBERS)
    return ForkRequest(
        checked_new_session_id("session_id", _given(body, "session_id", uuid.uuid4().hex)),
        body.identifier("agent_id") if body.has("agent_id") else call.settings.agent_id,
        body.whole_number("message_id") if body.has("message_id") else None,
    )


def _given(body: Document, name: str, default: str) -> Any:
    return body.value(name) if body.has(name) else default


OPERATIONS = (
    Operation(
        operation_id="forkSession",
        method="POST",
        path="/sessions/{session_id}/forks",
        handle=fork_session,
        summary="Fork a session",
        description="A new session with this one's messages up to `message_id`, that one included, and its agents as "
        "they were then; without it with all of them. `state_message_id` is the message after which the agent's state "
        "was recorded: the nearest end of a turn, null where none was by then.",
        parameters=[SESSION_ID],
        body=Body(ForkChoice, {"at a message": {"message_id": 3}, "whole": {"session_id": "user-123-copy"}}),
        answer=answers.Fork,
        example={
            **SESSION_EXAMPLE,
            "session_id": "5b0c1a4e5f6d4e0f8a5d2c3b4a596877",
            "message_count": 4,
            "forked_from": {"session_id": "user-123", "message_id": 3},
            "state_message_id": 3,
        },
        status=201,
        links=SESSION_LINKS,
        errors=[
            MalformedRequestError,
            UnsupportedMediaTypeError,
            PayloadTooLargeError,
            SessionNotFoundError,
            AgentNotFoundError,
            MessageNotFoundError,
            AlreadyExistsError,
            SessionBusyError,
        ],
    ),
)
