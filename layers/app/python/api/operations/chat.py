"""POST /chat: one turn of the agent, for `useChat` of Vercel's AI SDK."""

from api.call import Call
from api.chat_request import ChatRequest
from api.held_list import find_rewind
from api.operation import Body, Operation
from api.operations.chat_stream import EXAMPLE, HEADERS, stream_chat
from api.operations.process import IDEMPOTENCY_KEY, TURN_ERRORS
from api.operations.process_streaming import MAXIMUM_WAIT_SECONDS
from api.response import Response
from session_store.records import FindMessage
from turns.projections.ui_message_stream import UiMessageStream
from turns.request import TurnRequest

BODY = Body(
    ChatRequest,
    {
        "text": {
            "id": "user-123",
            "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello, my name is Alice"}]}],
            "trigger": "submit-message",
        },
        "upload": {
            "id": "user-123",
            "messages": [
                {
                    "id": "m2",
                    "role": "user",
                    "parts": [
                        {"type": "text", "text": "What is in it?"},
                        {
                            "type": "file",
                            "mediaType": "video/mp4",
                            "url": "",
                            "providerReference": {"session-store": "5b0c1a4e5f6d4e0f8a5d2c3b4a596877"},
                        },
                    ],
                }
            ],
            "trigger": "submit-message",
        },
    },
)


def chat(call: Call) -> Response:
    """An error before the first event is an ordinary problem with its status."""
    given = ChatRequest.parse(call)
    stream = UiMessageStream(given.continued_id, {result.tool_call_id for result in given.results()})
    request = _parse_turn(call, given)
    span = call.application.observability.turn_span()
    turn = span.begin(lambda: call.turns.run(request))
    return stream_chat(turn, call, stream, span)


def _parse_turn(call: Call, given: ChatRequest) -> TurnRequest:
    """`stop()` only closes the connection, which no gateway reports: the next message takes the run's place.

    An answer never does: the run may be the one that goes on with the same answer, which came twice.
    """
    return TurnRequest(
        owner=call.owner,
        session_id=given.id,
        prompt=given.prompt(),
        idempotency_key=call[IDEMPOTENCY_KEY],
        request_hash=given.fingerprint(),
        deadline=call.deadline(call.settings.streaming_run_timeout_seconds),
        end_user=call.end_user,
        claims=call.request.claims,
        metadata=given.metadata or {},
        from_message_id=_find_rewind(call, given),
        is_recorded=True,
        frontend=given.frontend(),
        if_busy="wait" if given.continued_id else "interrupt",
        wait_seconds=MAXIMUM_WAIT_SECONDS,
    )


def _find_rewind(call: Call, given: ChatRequest) -> FindMessage | None:
    """`regenerate()`, and a message that is sent again in another wording, end the list with what is stored already."""
    return None if given.continued_id else find_rewind(call, given.id, given.held_ids(), given.last.id)


OPERATIONS = (
    Operation(
        operation_id="chat",
        method="POST",
        path="/chat",
        handle=chat,
        summary="Ask the agent, from `useChat`",
        description="What the default transport of Vercel's AI SDK posts, answered with its UI message stream. A run "
        "that the client has stopped is cancelled by the next message of its chat.",
        parameters=[IDEMPOTENCY_KEY],
        body=BODY,
        answer="text/event-stream",
        example=EXAMPLE,
        headers=HEADERS,
        errors=TURN_ERRORS,
    ),
)
