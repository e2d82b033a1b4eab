"""POST /process-streaming: one turn of the agent, as it goes on. Success is only told after the commit."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response

from api import problems
from api.app import Api
from api.observability import Observability
from api.process_request import parse_turn
from api.request import Request
from turns.engine import TurnEngine
from turns.events import Turn
from turns.projections import ag_ui, text


class BrokenOffError(Exception):
    """The stream ends before its answer does; has no more words than the kind of error it was."""


def add_process_streaming(api: Api, turns: TurnEngine) -> None:
    def process_streaming(request: Request) -> Response[Iterator[str]]:
        """An error before the first chunk is an ordinary problem with its status."""
        turn = turns.run(parse_turn(request, api.settings.streaming_run_timeout_seconds))
        media_type, chunks = _project(turn, request, api.observability)
        # Encoded as in a path: an id may have what no header can carry, outer spaces or letters beyond ASCII.
        headers = {"Cache-Control": "no-cache", "Session-Id": quote(turn.session_id, safe=""), "Run-Id": turn.run_id}
        chunks = _observed(chunks, api.observability, api.observability.request_keys())
        return Response(HTTPStatus.OK, f"{media_type}; charset=utf-8", chunks, headers=headers)

    api.route("POST", "/process-streaming", process_streaming)


def _project(turn: Turn, request: Request, observability: Observability) -> tuple[str, Iterator[str]]:
    if wants_text(request.header("Accept")):
        return text.MEDIA_TYPE, text.chunks(turn)

    def explain(error: Exception) -> ag_ui.Failure:
        observability.note_failure(error)
        problem = problems.document(error, request.request_id)
        return ag_ui.Failure(problem["code"], problem["detail"])

    return ag_ui.MEDIA_TYPE, ag_ui.frames(turn, explain)


def _observed(chunks: Iterator[str], observability: Observability, log_keys: Mapping[str, Any]) -> Iterator[str]:
    """When chunks are taken the handler has returned, and with it its log context."""
    with observability.logger.append_context_keys(**log_keys):
        try:
            yield from chunks
        except Exception as error:  # noqa: BLE001 - noted here; the runtime would log its causes' words too
            observability.note_failure(error)
            raise BrokenOffError(type(error).__name__) from None


def wants_text(accept: str | None) -> bool:
    accepted = [part.split(";")[0].strip().lower() for part in (accept or "").split(",")]
    return "text/plain" in accepted and "text/event-stream" not in accepted
