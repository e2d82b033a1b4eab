"""Waits in turn for a session that another run holds."""

import random
import time

from .errors import SessionBusyError
from .records import BegunRun, RunRecord, RunRequest
from .store import Runs

DEFAULT_WAIT_SECONDS = 60.0
MINIMUM_TURN_SECONDS = 5.0
# Whoever has not asked for 4 s has lost its place.
_PAUSE_SECONDS = (0.2, 0.4)
_LONG_PAUSE_SECONDS = (0.6, 1.0)
_SHORT_PAUSES = 10


def begin_in_turn(runs: Runs, owner: str, request: RunRequest, wait_until: float) -> BegunRun | RunRecord:
    """Begin once the session is free and nobody has waited for longer; `wait_until` is of `time.monotonic()`.

    Raises what `Runs.begin` raises: `SessionBusyError` for a request that does not wait, or has waited for too long.
    """
    tries = 0
    while True:
        try:
            return runs.begin(owner, request)
        except SessionBusyError as busy:
            if request.if_busy == "reject":
                raise
            pause = random.uniform(*(_PAUSE_SECONDS if tries < _SHORT_PAUSES else _LONG_PAUSE_SECONDS))  # noqa: S311
            if time.monotonic() + pause > wait_until:
                return _leave(runs, owner, request, busy)
        tries += 1
        time.sleep(pause)


def _leave(runs: Runs, owner: str, request: RunRequest, busy: SessionBusyError) -> BegunRun | RunRecord:
    """One last try, which also gives the place in the queue up."""
    try:
        return runs.begin(owner, request._replace(if_busy="reject"))
    except SessionBusyError:
        raise busy from None
