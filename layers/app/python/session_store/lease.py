"""Keeps a run's lease alive while a model or a tool works."""

import logging
import threading
import time
from collections.abc import Callable

from .errors import InvalidInputError, LeaseLostError

MAXIMUM_LEASE_SECONDS = 3600

logger = logging.getLogger(__name__)


def checked_lease(field: str, value: object) -> float:
    """Raises `InvalidInputError`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAXIMUM_LEASE_SECONDS:
        raise InvalidInputError(field, f"must be a number above 0 and up to {MAXIMUM_LEASE_SECONDS}")
    return value


class LeaseKeeper(threading.Thread):
    """Calls `renew` every `interval_seconds`, and `watch` every `watch_seconds` between, until `stop`.

    A thread, since a tool may hold the event loop for longer than the lease. Both return True when the run shall end;
    then, and when the lease is lost, `end_run` is called once.
    """

    def __init__(
        self,
        renew: Callable[[], bool],
        watch: Callable[[], bool],
        end_run: Callable[[], None],
        interval_seconds: float,
        watch_seconds: float,
    ) -> None:
        super().__init__(name="lease-keeper", daemon=True)
        self._renew, self._watch, self._end_run = renew, watch, end_run
        self._interval_seconds = interval_seconds
        self._watch_seconds = min(watch_seconds, interval_seconds)
        self._stopped = threading.Event()

    def run(self) -> None:
        renewed_at = time.monotonic()
        while not self._stopped.wait(self._watch_seconds):
            is_due = time.monotonic() - renewed_at >= self._interval_seconds - self._watch_seconds / 2
            if is_due:
                renewed_at = time.monotonic()
            if self._is_over(self._renew if is_due else self._watch):
                self._end_run()
                return

    def stop(self) -> None:
        """Stop renewing; returns when no renewal is under way, so that none follows the release."""
        self._stopped.set()
        self.join()

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
