"""The moment until which calls of the store may take, wherever in them time is spent."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

_limit: ContextVar[float] = ContextVar("store_time_limit", default=inf)


@contextmanager
def time_limit(moment: float) -> Generator[None]:
    """Calls within the block raise `StoreUnavailableError` at `moment`, of `time.monotonic()`, at the latest."""
    token = _limit.set(moment)
    try:
        yield
    finally:
        _limit.reset(token)


def seconds_left() -> float:
    return _limit.get() - time.monotonic()


def within_limit(seconds: float) -> float:
    """`seconds`, or what is left of them. Raises `TimeoutError` when nothing is."""
    left = seconds_left()
    if left <= 0:
        raise TimeoutError("the time is over")
    return min(seconds, left)
