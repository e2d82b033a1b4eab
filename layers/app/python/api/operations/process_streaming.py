"""POST /process-streaming: one turn of the agent, as it goes on. Success is only said after the commit."""

from api.call import Call
from api.errors import RejoinRefusedError
from api.event_stream import HEADERS, stream_turn
from api.operation import Operation
from api.operations.process import BODY, IDEMPOTENCY_KEY, TURN_ERRORS, parse_turn
from api.operations.run_events import LAST_EVENT_ID, stream_events
from api.response import Response
from session_store.errors import EventsGoneError
from turns.request import TurnRequest

# A response that has not begun is as silent as a stream may be: API Gateway gives up after 5 minutes.
MAXIMUM_WAIT_SECONDS = 240.0


def process_streaming(call: Call) -> Response:
    """An error before the first chunk is an ordinary problem with its status."""
    request = parse_turn(call, call.settings.streaming_run_timeout_seconds, wait_seconds=MAXIMUM_WAIT_SECONDS)
    if (after := call[LAST_EVENT_ID]) is not None:
        return stream_events(call, find_run(call, request), after)
    span = call.application.observability.turn_span()
    turn = span.begin(lambda: call.turns.run(request._replace(is_recorded=True)))
    return stream_turn(turn, call, span=span)


def find_run(call: Call, request: TurnRequest) -> str:
    """The run that a client which reconnects was listening to. Raises `RejoinRefusedError`."""
    run_id = call.store.run_events.find_run(
        request.owner, request.session_id, request.idempotency_key, request.request_hash or ""
    )
    if run_id is None:
        raise RejoinRefusedError
    return run_id


OPERATIONS = (
    Operation(
        operation_id="processStreaming",
        method="POST",
        path="/process-streaming",
        handle=process_streaming,
        summary="Ask the agent and read the answer while it is made",
        description="Server-sent events in the AG-UI vocabulary; `RUN_FINISHED` comes only after the turn is stored. "
        "With `Accept: text/plain` the bare text. The same request with `Last-Event-ID` goes on with the stream that "
        "it began, and asks no model.",
        parameters=[IDEMPOTENCY_KEY, LAST_EVENT_ID],
        body=BODY,
        answer="text/event-stream",
        example='id: 1\ndata: {"type":"RUN_STARTED","threadId":"user-123","runId":"0b0a2d5e"}\n\n',
        headers=HEADERS,
        errors=[*TURN_ERRORS, RejoinRefusedError, EventsGoneError],
    ),
)
