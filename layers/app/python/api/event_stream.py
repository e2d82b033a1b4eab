"""A turn's events as the body of a response."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api import problems
from api.call import Call
from api.response import Response
from api.turn_span import TurnSpan
from turns.events import Turn, TurnFailed
from turns.projections import ag_ui, text

if TYPE_CHECKING:
    from api.observability import Observability

HEADERS = {"Session-Id": "The session, percent-encoded as in a path.", "Run-Id": "The run."}


class BrokenOffError(Exception):
    """The stream ends before its answer does; has no more words than the kind of error it was."""


Explain = Callable[[Exception], TurnFailed]
Frames = Callable[[Turn, Explain], Iterator[str]]


def stream_turn(
    turn: Turn, call: Call, project: Frames | None = None, *, first_number: int = 1, span: TurnSpan | None = None
) -> Response:
    """Server-sent events with ids from `first_number`, or bare text; an error of the turn's before them is raised.

    project: in place of those, the server-sent events of a stock client.
    """
    # Encoded as in a path: an id may have what no header can carry, outer spaces or letters beyond ASCII. A run that is
    # yet to begin has no session.
    session = {"Session-Id": quote(turn.session_id, safe="")} if turn.session_id else {}
    headers = {**session, "Run-Id": turn.run_id}
    if project is None and wants_text(call.header("Accept")):
        return stream_response(call, text.chunks(turn), headers, span, text.MEDIA_TYPE)

    def note_and_explain(error: Exception) -> TurnFailed:
        call.application.observability.note_failure(error)
        return explain(error)

    if project is None:
        return stream_response(call, ag_ui.frames(turn, note_and_explain, first_number=first_number), headers, span)
    return stream_response(call, project(turn, note_and_explain), headers, span)


def stream_response(
    call: Call,
    chunks: Iterator[str],
    headers: Mapping[str, str],
    span: TurnSpan | None = None,
    media_type: str = ag_ui.MEDIA_TYPE,
) -> Response:
    observability = call.application.observability
    all_headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",  # nginx would keep the events until it has a buffer full of them
        **headers,
    }
    return Response(
        HTTPStatus.OK, all_headers, _observe(chunks, span or TurnSpan(), observability, observability.request_keys())
    )


def explain(error: Exception) -> TurnFailed:
    """In the words of the error's problem document."""
    problem = problems.dump_problem(error, "")
    return TurnFailed(problem["code"], problem["detail"])


def wants_text(accept: str | None) -> bool:
    accepted = [part.split(";")[0].strip().lower() for part in (accept or "").split(",")]
    return "text/plain" in accepted and "text/event-stream" not in accepted


def _observe(
    chunks: Iterator[str], span: TurnSpan, observability: "Observability", log_keys: Mapping[str, Any]
) -> Iterator[str]:
    """When chunks are taken the handler has returned, and with it its log context."""
    with observability.log_keys(**log_keys), span.ending():
        try:
            yield from chunks
        except Exception as error:  # noqa: BLE001 - noted here; the runtime would log its causes' words too
            observability.note_failure(error)
            raise BrokenOffError(type(error).__name__) from None
