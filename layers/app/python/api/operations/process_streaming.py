"""POST /process-streaming: one turn of the agent, as it goes on. Success is only said after the commit."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api import problems
from api.call import Call
from api.errors import RejoinRefusedError
from api.operation import Operation
from api.operations.process import BODY, IDEMPOTENCY_KEY, TURN_ERRORS, parse_turn
from api.response import Response
from api.turn_span import TurnSpan
from turns.events import Turn
from turns.projections import ag_ui, text

if TYPE_CHECKING:
    from api.observability import Observability


class BrokenOffError(Exception):
    """The stream ends before its answer does; has no more words than the kind of error it was."""


def process_streaming(call: Call) -> Response:
    """An error before the first chunk is an ordinary problem with its status."""
    if call.header("Last-Event-ID") is not None:
        raise RejoinRefusedError
    request, observability = (
        parse_turn(call, call.settings.streaming_run_timeout_seconds),
        call.application.observability,
    )
    span = observability.turn_span()
    turn = span.begin(lambda: call.turns.run(request))
    media_type, chunks = _project(turn, call)
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",  # nginx would keep the events until it has a buffer full of them
        # Encoded as in a path: an id may have what no header can carry, outer spaces or letters beyond ASCII.
        "Session-Id": quote(turn.session_id, safe=""),
        "Run-Id": turn.run_id,
    }
    return Response(HTTPStatus.OK, headers, _observe(chunks, span, observability, observability.request_keys()))


def _project(turn: Turn, call: Call) -> tuple[str, Iterator[str]]:
    if wants_text(call.header("Accept")):
        return text.MEDIA_TYPE, text.chunks(turn)

    def explain(error: Exception) -> ag_ui.Failure:
        call.application.observability.note_failure(error)
        problem = problems.dump_problem(error, call.request.request_id)
        return ag_ui.Failure(problem["code"], problem["detail"])

    return ag_ui.MEDIA_TYPE, ag_ui.frames(turn, explain)


def _observe(
    chunks: Iterator[str], span: TurnSpan, observability: "Observability", log_keys: Mapping[str, Any]
) -> Iterator[str]:
    """When chunks are taken the handler has returned, and with it its log context."""
    with observability.logger.append_context_keys(**log_keys), span.ending():
        try:
            yield from chunks
        except Exception as error:  # noqa: BLE001 - noted here; the runtime would log its causes' words too
            observability.note_failure(error)
            raise BrokenOffError(type(error).__name__) from None


def wants_text(accept: str | None) -> bool:
    accepted = [part.split(";")[0].strip().lower() for part in (accept or "").split(",")]
    return "text/plain" in accepted and "text/event-stream" not in accepted


OPERATIONS = (
    Operation(
        operation_id="processStreaming",
        method="POST",
        path="/process-streaming",
        handle=process_streaming,
        summary="Ask the agent and read the answer while it is made",
        description="Server-sent events in the AG-UI vocabulary; `RUN_FINISHED` comes only after the turn is stored. "
        "With `Accept: text/plain` the bare text.",
        parameters=[IDEMPOTENCY_KEY],
        body=BODY,
        answer="text/event-stream",
        example='id: 1\ndata: {"type":"RUN_STARTED","threadId":"user-123","runId":"0b0a2d5e"}\n\n',
        headers={"Session-Id": "The session, percent-encoded as in a path.", "Run-Id": "The run."},
        errors=[*TURN_ERRORS, RejoinRefusedError],
    ),
)
