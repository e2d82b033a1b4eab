"""A turn as its stored events have it: for any of its owner's clients, in any process, while it goes on or later."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from session_store.errors import EventsGoneError, StoreUnavailableError
from session_store.run_events import EventBatch, ReadableRunEvents, RunProgress
from turns.events import Event, Turn, TurnFailed, TurnFinished
from turns.projections.stored import parse_events

# Events are stored every 0.5 s: a pause that is found too short twice makes less than 4 reads a second.
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS, PAUSE_GROWTH = 0.15, 1.0, 1.6
UNAVAILABLE_SECONDS = 30.0
INTERRUPTED = TurnFailed("interrupted", "The run's process ended before the run did.")
INCOMPLETE = TurnFailed("events_gone", "The rest of the events is gone; the history of the session has what is stored.")


class WatchedRun(NamedTuple):
    """after: the number behind which events are wanted. until: of `time.monotonic()`, when the watcher must leave."""

    owner: str
    run_id: str
    after: int
    until: float


def watch_turn(run_events: ReadableRunEvents, watched: WatchedRun) -> Turn:
    """The turn's events behind `after`: those that are stored, then those to come, until the turn's end.

    None stands between them after each pause. They end without an end of the turn's when `until` has come, or where the
    database stays away: the watcher may come again. Raises `RunNotFoundError`, `EventsGoneError`.
    """
    progress = run_events.read(watched.owner, watched.run_id, watched.after)
    if progress.status in ("completed", "failed", "cancelled") and not progress.last_number:
        raise EventsGoneError(watched.run_id, progress.session_id)
    return Turn(progress.session_id, watched.run_id, _Watch(run_events, watched).events(progress))


class _Watch:
    def __init__(self, run_events: ReadableRunEvents, watched: WatchedRun) -> None:
        self._run_events, self._watched = run_events, watched
        self._number = watched.after
        self._latest: Event | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def events(self, progress: RunProgress | None) -> Iterator[Event | None]:
        while progress:
            yield from self._take(progress)
            if progress.is_complete and progress.status not in ("queued", "running"):
                yield from self._end(progress)
                return
            if progress.is_complete:
                yield None
                self._pause()
            progress = self._read()

    def _take(self, progress: RunProgress) -> Iterator[Event]:
        """A finished turn stores its end before its commit: it is one once the run is completed."""
        for event in _events_behind(progress.batches, self._number):
            if isinstance(event, TurnFinished) and progress.status != "completed":
                return
            self._number += 1
            self._latest = event
            self._pause_seconds = FIRST_PAUSE_SECONDS
            yield event

    def _end(self, progress: RunProgress) -> Iterator[Event]:
        """What is not stored of the end: that a process died, or could not store the last events."""
        if isinstance(self._latest, TurnFinished | TurnFailed):
            return
        if self._latest is None and self._watched.after == progress.last_number > 0 and self._has_stored_end():
            return
        if progress.status == "interrupted":  # also for who has seen more than the process came to store
            yield INTERRUPTED
        elif self._watched.after > progress.last_number:
            return
        elif progress.status == "completed":
            yield INCOMPLETE
        else:
            yield TurnFailed(progress.error_code or "internal_error", f"The run {progress.status}.")

    def _has_stored_end(self) -> bool:
        """Whether the watcher has seen the end already."""
        progress = self._run_events.read(self._watched.owner, self._watched.run_id, self._watched.after - 1)
        latest = list(_events_behind(progress.batches, self._watched.after - 1))[-1:]
        return any(isinstance(event, TurnFinished | TurnFailed) for event in latest)

    def _pause(self) -> None:
        time.sleep(self._pause_seconds)
        self._pause_seconds = min(LAST_PAUSE_SECONDS, self._pause_seconds * PAUSE_GROWTH)

    def _read(self) -> RunProgress | None:
        """None once it is time to leave."""
        given_up_at = min(self._watched.until, time.monotonic() + UNAVAILABLE_SECONDS)
        while time.monotonic() < given_up_at:
            try:
                return self._run_events.read(self._watched.owner, self._watched.run_id, self._number)
            except StoreUnavailableError:
                self._pause()
        return None


def _events_behind(batches: Sequence[EventBatch], number: int) -> Iterator[Event]:
    for batch in batches:
        events = parse_events(batch.events)
        yield from events[max(0, number + 1 - batch.first_number) :]
