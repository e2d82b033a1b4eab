"""Runs that are accepted now and begin later, with nobody connected. Public."""

import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple, Protocol

# An event in Lambda's queue has 1 MiB at most, and in it the body is in base64, beside the headers:
# docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
MAXIMUM_BODY_BYTES = 700_000
_CLOCK_SKEW_SECONDS = 60.0


class BackgroundRun(NamedTuple):
    """begun_run_id: the run that it became, itself or an earlier one with the same idempotency key.

    problem: why it was refused, as the JSON text of a problem document.
    """

    begun_run_id: str | None
    problem: str | None


class BackgroundRuns(Protocol):
    def claim(self, owner: str, run_id: str) -> BackgroundRun:
        """What is known of the run; from now on it is."""
        ...

    def mark_begun(self, owner: str, run_id: str, begun_run_id: str) -> bool:
        """Whether it was refused before, as by a cancellation."""
        ...

    def refuse(self, owner: str, run_id: str, problem: str) -> None: ...

    def read(self, owner: str, run_id: str) -> BackgroundRun | None: ...

    def expire(self, older_than_hours: float, batch_size: int = 500) -> Iterator[int]:
        """Forget runs of all owners that were accepted so long ago: how many, batch by batch as it is taken."""
        ...


def new_run_id(request_id: str, epoch_milliseconds: int) -> str:
    """A UUID of version 8 (RFC 9562): the request's random bits, and when it came in decimal digits.

    Between its acceptance and its begin nothing else holds a run: its id alone says that it is to come.
    """
    digits = str(epoch_milliseconds)[:12]
    return f"{request_id[:14]}8{request_id[15:19]}8{request_id[20:24]}{digits}"


def is_background(run_id: str) -> bool:
    try:
        known = uuid.UUID(run_id)
    except ValueError:
        return False
    return known.version == 8 and known.hex[-12:].isdecimal()


def is_awaited(run_id: str, limit_seconds: float) -> bool:
    """Whether it is the id of a run that was accepted within `limit_seconds`, which may have yet to begin."""
    if not is_background(run_id):
        return False
    digits = uuid.UUID(run_id).hex[-12:]
    return -_CLOCK_SKEW_SECONDS < time.time() - int(digits) / 100 < limit_seconds
