"""POST /runs: a turn of the agent with nobody connected. The gateway answers 202; this is what its queue hands over."""

from collections import deque

from api import run_answers
from api.call import Call
from api.operation import Link, Operation
from api.operations.process import BODY, IDEMPOTENCY_KEY, parse_turn
from api.operations.runs import RUN_ID_EXAMPLE
from api.response import Response, no_content
from session_store.errors import LeaseLostError, RunInProgressError


def create_run(call: Call) -> Response:
    """Run the turn to its end; what is raised has kept it from beginning.

    A second delivery of the event finds what the first one began, and begins nothing: whether its tools have run, only
    they can know.
    """
    run_id, runs = call.request.request_id, call.store.background_runs
    known = runs.claim(call.owner, run_id)
    if known.begun_run_id or known.problem:
        return no_content()
    request = parse_turn(call, call.settings.streaming_run_timeout_seconds, if_busy="wait")
    span = call.application.observability.turn_span()
    try:
        turn = span.begin(lambda: call.turns.run(request._replace(run_id=run_id, is_recorded=True)))
    except RunInProgressError as error:
        runs.mark_begun(call.owner, run_id, error.run_id)
        return no_content()
    except LeaseLostError:
        runs.mark_begun(call.owner, run_id, run_id)
        return no_content()
    if runs.mark_begun(call.owner, run_id, turn.run_id):  # cancelled while it waited for its turn
        call.store.runs.request_cancel(call.owner, turn.run_id)
    try:
        with span.ending():
            deque(turn.events, maxlen=0)
    except Exception as error:  # noqa: BLE001 - the run says how it ended, and the service logs it
        call.application.observability.note_failure(error)
    return no_content()


CREATE_RUN = Operation(
    operation_id="createRun",
    method="POST",
    path="/runs",
    handle=create_run,
    summary="Ask the agent, and hang up",
    description="Answered at once; the run then works for up to 15 minutes. What `/process` would refuse becomes the "
    "run's end: its status is `refused` then, with the `problem`.",
    parameters=[IDEMPOTENCY_KEY],
    body=BODY,
    answer=run_answers.AcceptedRun,
    example={
        "run_id": RUN_ID_EXAMPLE,
        "status": "queued",
        "run": f"/runs/{RUN_ID_EXAMPLE}",
        "events": f"/runs/{RUN_ID_EXAMPLE}/events",
    },
    status=202,
    headers={"Location": "The run."},
    links=[Link(name, "run_id", "/run_id") for name in ("readRun", "readRunEvents", "cancelRun")],
)
OPERATIONS = (CREATE_RUN,)
