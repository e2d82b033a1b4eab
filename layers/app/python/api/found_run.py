"""A run by its id, whether it has begun, waits in the queue of background runs, or was refused there."""

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from api.call import Call
from session_store.background_runs import is_awaited, is_background
from session_store.errors import RunCancelledError, RunNotFoundError
from session_store.raw_json import dump_json
from session_store.records import RunRecord
from session_store.run_events import EventBatch, RunProgress
from turns.events import TurnFailed
from turns.projections.stored import dump_batch, dump_event

if TYPE_CHECKING:
    from session_store.postgresql import PostgreSQLStore


class PendingRun(NamedTuple):
    """problem: the document that says why it was refused."""

    run_id: str
    status: Literal["queued", "refused", "cancelled"]
    problem: dict[str, Any] | None = None


def find_run(call: Call, run_id: str) -> RunRecord | PendingRun:
    """Raises `RunNotFoundError`."""
    try:
        record = call.store.runs.read(call.owner, run_id)
    except RunNotFoundError:
        found = find_pending(call.store, call.owner, run_id, call.settings.awaited_seconds)
        return found if isinstance(found, PendingRun) else call.store.runs.read(call.owner, found)
    if record.status != "failed" or not is_background(run_id):
        return record
    # It has begun, and its prompt was found not to fit what its agent waits for.
    refused = call.store.background_runs.read(call.owner, run_id)
    return _refused(run_id, refused.problem) if refused and refused.problem else record


def cancel_found_run(call: Call, run_id: str) -> RunRecord | PendingRun:
    """Raises `RunNotFoundError`."""
    found = find_run(call, run_id)
    if isinstance(found, RunRecord):
        return call.store.runs.request_cancel(call.owner, found.run_id)
    if found.status == "queued":
        problem = call.application.dump_problem(RunCancelledError(run_id), call.request.request_id)
        call.store.background_runs.refuse(call.owner, run_id, dump_json(problem))
    return find_run(call, run_id)


def find_pending(store: "PostgreSQLStore", owner: str, run_id: str, limit_seconds: float) -> PendingRun | str:
    """Of a run without a row of its own: how it stands, or the id of the run that it became.

    Raises `RunNotFoundError`.
    """
    if not is_background(run_id):
        raise RunNotFoundError(run_id)
    known = store.background_runs.read(owner, run_id)
    if known and known.problem:
        return _refused(run_id, known.problem)
    if known and known.begun_run_id:
        return known.begun_run_id
    if not is_awaited(run_id, limit_seconds):
        raise RunNotFoundError(run_id)
    return PendingRun(run_id, "queued")


class AwaitedRunEvents:
    """The stored events of runs, of which some have yet to begin; reads only."""

    def __init__(self, store: "PostgreSQLStore", limit_seconds: float) -> None:
        self._store, self._limit_seconds = store, limit_seconds

    def read(self, owner: str, run_id: str, after: int) -> RunProgress:
        """A run that was refused has that as its one event. Raises `RunNotFoundError`."""
        try:
            return self._store.run_events.read(owner, run_id, after)
        except RunNotFoundError:
            found = find_pending(self._store, owner, run_id, self._limit_seconds)
        if isinstance(found, str):
            return self._store.run_events.read(owner, found, after)
        if found.problem is None:
            return RunProgress("", "queued", None, 0, [], True)
        refusal = dump_event(TurnFailed(found.problem["code"], found.problem["detail"]))
        batches = [EventBatch(1, 1, dump_batch([refusal]))] if after < 1 else []
        return RunProgress("", "failed", found.problem["code"], 1, batches, True)


def _refused(run_id: str, problem: str) -> PendingRun:
    document: dict[str, Any] = json.loads(problem)
    return PendingRun(run_id, "cancelled" if document["code"] == RunCancelledError.code else "refused", document)
