"""GET /runs/{run_id}/events: what a run's stream says, from any of its events on, for whoever has lost it."""

from api.call import Call
from api.errors import InvalidRequestError
from api.event_stream import HEADERS, stream_turn
from api.found_run import AwaitedRunEvents
from api.operation import Operation, Parameter
from api.parameters import RUN_ID, parse_whole_number
from api.response import Response
from api.settings import Settings
from session_store.errors import EventsGoneError, RunNotFoundError
from turns.events import Turn
from turns.watching import WatchedRun, watch_turn

MAX_EVENT_NUMBER = 10**15
_SCHEMA = {"type": "integer", "minimum": 0, "maximum": MAX_EVENT_NUMBER}
_SECONDS_TO_LEAVE = 5.0


def _event_number(name: str, description: str, place: str) -> Parameter[int | None]:
    def parse(text: str | None, _: Settings) -> int | None:
        return parse_whole_number(name, text, 0, MAX_EVENT_NUMBER) if text else None

    return Parameter(name, "header" if place == "header" else "query", description, _SCHEMA, parse)


LAST_EVENT_ID = _event_number("Last-Event-ID", "The id of the last event that came.", "header")
AFTER = _event_number("after", "As `Last-Event-ID`, for who can send no header.", "query")


def read_run_events(call: Call) -> Response:
    if call[AFTER] is not None and call[LAST_EVENT_ID] is not None and call[AFTER] != call[LAST_EVENT_ID]:
        raise InvalidRequestError([("after", "is another one than Last-Event-ID")])
    return stream_events(call, call[RUN_ID], call[AFTER] or call[LAST_EVENT_ID] or 0)


def stream_events(call: Call, run_id: str, after: int) -> Response:
    """Raises `RunNotFoundError`, `EventsGoneError`."""
    return stream_turn(watch_run(call, run_id, after), call, first_number=after + 1)


def watch_run(call: Call, run_id: str, after: int) -> Turn:
    """The run's events behind that number. Raises `RunNotFoundError`, `EventsGoneError`."""
    if not call.settings.resumable_streams:
        raise EventsGoneError(run_id, call.store.runs.read(call.owner, run_id).session_id)
    run_events = AwaitedRunEvents(call.store, call.settings.awaited_seconds)
    watched = WatchedRun(call.owner, run_id, after, call.request.deadline - _SECONDS_TO_LEAVE)
    return watch_turn(run_events, watched)


OPERATIONS = (
    Operation(
        operation_id="readRunEvents",
        method="GET",
        path="/runs/{run_id}/events",
        handle=read_run_events,
        summary="Read what a run's stream says",
        description="The same events with the same ids as `/process-streaming` sends, live until the run's end, for "
        "any number of readers. A run whose process died ends with a `RUN_ERROR` of the code `interrupted`.",
        parameters=[RUN_ID, LAST_EVENT_ID, AFTER],
        answer="text/event-stream",
        example='id: 4\ndata: {"type":"TEXT_MESSAGE_CONTENT","messageId":"b10d95a6","delta":" there"}\n\n',
        headers=HEADERS,
        errors=[RunNotFoundError, EventsGoneError],
    ),
)
