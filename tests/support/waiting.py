"""Waits for a condition, not for a time."""

import time
from collections.abc import Callable

LIMIT_SECONDS = 30
PAUSE_SECONDS = 0.02


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(PAUSE_SECONDS)
