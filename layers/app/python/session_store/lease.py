"""Keeps a run's lease alive while a model or a tool works."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

from .errors import InvalidInputError, LeaseLostError

MAXIMUM_LEASE_SECONDS = 3600
_PATIENCE_SECONDS = 0.2
"""Turns that have ended by then need no thread; its start and its end cost as much as a statement."""

logger = logging.getLogger(__name__)


def checked_lease(field: str, value: object) -> float:
    """Raises `InvalidInputError`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAXIMUM_LEASE_SECONDS:
        raise InvalidInputError(field, f"must be a number above 0 and up to {MAXIMUM_LEASE_SECONDS}")
    return value


class LeaseKeeper:
    """Calls `renew` every `interval_seconds`, and `watch` every `watch_seconds` between, until `stop`.

    On a thread, since a tool may hold the event loop for longer than the lease. Both return True when the run shall
    end; then, and when the lease is lost, `end_run` is called once.
    """

    def __init__(
        self,
        renew: Callable[[], bool],
        watch: Callable[[], bool],
        end_run: Callable[[], None],
        interval_seconds: float,
        watch_seconds: float,
    ) -> None:
        self._renew, self._watch, self._end_run = renew, watch, end_run
        self._interval_seconds = interval_seconds
        self._watch_seconds = min(watch_seconds, interval_seconds)
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._began_at = 0.0

    def start(self) -> None:
        self._began_at = time.monotonic()
        if self._watch_seconds < 2 * _PATIENCE_SECONDS:
            self.start_thread()
        else:
            _late_starts().add(self)

    def start_thread(self) -> None:
        with self._starting:
            if not self._stopped.is_set():
                thread = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
                thread.start()
                self._thread = thread

    def stop(self) -> None:
        """Stop renewing; returns when no renewal is under way, so that none follows the release."""
        with self._starting:
            self._stopped.set()
        if self._thread:
            self._thread.join()

    def _keep(self) -> None:
        renewed_at = self._began_at
        wait_seconds = self._watch_seconds - (time.monotonic() - self._began_at)
        while not self._stopped.wait(wait_seconds):
            wait_seconds = self._watch_seconds
            is_due = time.monotonic() - renewed_at >= self._interval_seconds - self._watch_seconds / 2
            if is_due:
                renewed_at = time.monotonic()
            if self._is_over(self._renew if is_due else self._watch):
                self._end_run()
                return

    def _is_over(self, ask: Callable[[], bool]) -> bool:
        try:
            return ask()
        except LeaseLostError as error:
            logger.warning("error=<%s> | lease lost, ending the run", error)
            return True
        except Exception as error:  # noqa: BLE001 - whatever it is, without renewals the run would lose its session
            # The lease outlasts two missed renewals; whether it still holds is checked by every write.
            logger.warning("error=<%r> | lease not renewed, trying again", error)
            return False


class _LateStarts(threading.Thread):
    """Starts the threads of those runs that have not ended by then. One a process, as good as always asleep."""

    def __init__(self) -> None:
        super().__init__(name="lease-keepers", daemon=True)
        # Not to keep what a run holds in memory until its turn comes here.
        self._keepers: SimpleQueue[tuple[float, weakref.ref[LeaseKeeper]]] = SimpleQueue()
        self.start()

    def add(self, keeper: LeaseKeeper) -> None:
        self._keepers.put((time.monotonic() + _PATIENCE_SECONDS, weakref.ref(keeper)))

    def run(self) -> None:
        while True:
            due_at, reference = self._keepers.get()
            seconds_left = due_at - time.monotonic()
            if seconds_left > _PATIENCE_SECONDS / 2:  # many that were added one after another are seen at once
                time.sleep(seconds_left)
            if keeper := reference():
                self._start(keeper)
            del keeper

    def _start(self, keeper: LeaseKeeper) -> None:
        try:
            keeper.start_thread()
        except RuntimeError as error:  # no thread is to be had at the moment
            logger.warning("error=<%s> | lease not kept yet, trying again", error)
            self.add(keeper)


_making_late_starts = threading.Lock()


def _late_starts() -> _LateStarts:
    with _making_late_starts:
        return _make_late_starts()


@cache
def _make_late_starts() -> _LateStarts:
    return _LateStarts()


# A forked child has none of its parent's threads.
os.register_at_fork(
    before=_making_late_starts.acquire,
    after_in_parent=_making_late_starts.release,
    after_in_child=lambda: (_make_late_starts.cache_clear(), _making_late_starts.release()),
)
