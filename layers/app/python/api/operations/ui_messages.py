"""GET /sessions/{session_id}/ui-messages: a history as Vercel's AI SDK shows it."""

from typing import Any

from api import answers
from api.call import Call
from api.operation import Operation
from api.parameters import SESSION_ID
from api.response import Response, json_response
from api.stored_conversation import attachments_path, read_conversation
from session_store.errors import SessionNotFoundError
from turns.projections.ui_messages import dump_ui_messages


def read_ui_messages(call: Call) -> Response:
    stored = read_conversation(call, call[SESSION_ID])
    if not stored.messages and call.store.sessions.read(call.owner, call[SESSION_ID]) is None:
        raise SessionNotFoundError(call[SESSION_ID])
    messages: list[Any] = dump_ui_messages(stored.messages, stored.interrupts, attachments_path(call[SESSION_ID]))
    answer: answers.UiMessages = {"messages": messages}
    return json_response(answer)


OPERATIONS = (
    Operation(
        operation_id="readUiMessages",
        method="GET",
        path="/sessions/{session_id}/ui-messages",
        handle=read_ui_messages,
        summary="Read a session's messages as `useChat` shows them",
        description="For its `messages`; of a very long history the end.",
        parameters=[SESSION_ID],
        answer=answers.UiMessages,
        example={
            "messages": [
                {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello, my name is Alice"}]},
                {
                    "id": "b10d95a6",
                    "role": "assistant",
                    "parts": [{"type": "step-start"}, {"type": "text", "text": "Hello Alice!", "state": "done"}],
                },
            ]
        },
        errors=[SessionNotFoundError],
    ),
)
