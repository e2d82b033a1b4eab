"""GET /chat/{chat_id}/stream: the UI message stream of a chat's run in progress, for `useChat` that has lost it."""

from api import event_stream
from api.call import Call
from api.operation import Operation
from api.operations.run_events import watch_run
from api.parameters import path_identifier
from api.response import Response, no_content
from api.turn_span import TurnSpan
from session_store.errors import EventsGoneError, RunNotFoundError, SessionNotFoundError
from turns.events import Turn
from turns.projections import ui_message_stream
from turns.projections.ui_message_stream import UiMessageStream

CHAT_ID = path_identifier("chat_id", "The chat, which is the session, percent-encoded.")
EXAMPLE = 'data: {"type":"start","messageId":"b10d95a6"}\n\ndata: {"type":"start-step"}\n\n'
HEADERS = {**event_stream.HEADERS, "X-Vercel-AI-UI-Message-Stream": "`v1`."}


def reconnect(call: Call) -> Response:
    """The whole of the stream that goes on; 204 where none does, so that `useChat` goes on without one."""
    try:
        newest = call.store.runs.of_session(call.owner, call[CHAT_ID], limit=1).runs
        if not newest or newest[0].status != "running":
            return no_content()
        turn = watch_run(call, newest[0].run_id, 0)
    except (SessionNotFoundError, RunNotFoundError, EventsGoneError):
        return no_content()
    return stream_chat(turn, call, UiMessageStream())


def stream_chat(turn: Turn, call: Call, stream: UiMessageStream, span: TurnSpan | None = None) -> Response:
    response = event_stream.stream_turn(
        turn, call, lambda turn, explain: ui_message_stream.frames(turn, explain, stream), span=span
    )
    return Response(response.status, {**response.headers, **ui_message_stream.HEADERS}, response.body)


OPERATIONS = (
    Operation(
        operation_id="readChatStream",
        method="GET",
        path="/chat/{chat_id}/stream",
        handle=reconnect,
        summary="Go on with a chat's stream, from `useChat`",
        description="For `resume: true`: all that the run in progress has said and is yet to say.",
        parameters=[CHAT_ID],
        answer="text/event-stream",
        example=EXAMPLE,
        no_content="No run of the chat's is in progress.",
        headers=HEADERS,
    ),
)
