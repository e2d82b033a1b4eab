"""Keeps a run's lease alive while a model or a tool works."""

import logging
import threading
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
    """Calls `renew` every `interval_seconds` until `stop`.

    A thread, since a tool may hold the event loop for longer than the lease. `renew` returns True when the run shall
    end; then, and when the lease is lost, `end_run` is called once.
    """

    def __init__(self, renew: Callable[[], bool], end_run: Callable[[], None], interval_seconds: float) -> None:
        super().__init__(name="lease-keeper", daemon=True)
        self._renew = renew
        self._end_run = end_run
        self._interval_seconds = interval_seconds
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            if self._is_over():
                self._end_run()
                return

    def stop(self) -> None:
        """Stop renewing; returns when no renewal is under way, so that none follows the release."""
        self._stopped.set()
        self.join()

    def _is_over(self) -> bool:
        try:
            return self._renew()
        except LeaseLostError as error:
            logger.warning("error=<%s> | lease lost, ending the run", error)
            return True
        except Exception as error:  # noqa: BLE001 - whatever it is, without renewals the run would lose its session
            # The lease outlasts two missed renewals; whether it still holds is checked by every write.
            logger.warning("error=<%r> | lease not renewed, trying again", error)
            return False
