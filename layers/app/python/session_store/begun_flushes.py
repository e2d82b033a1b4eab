"""The writes of a run that go on beside what its agents do."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress

from ._offload import start_or_call


class BegunFlushes:
    """flush: writes what was gathered. None is under way, or still to begin, once `finish` has returned."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._begun: list[Future[None]] = []

    def begin(self) -> Future[None]:
        flushed = start_or_call(self._flush)
        self._begun.append(flushed)
        return flushed

    def finish(self) -> None:
        for flushed in self._begun:
            if flushed.cancel():  # it had not begun
                with suppress(Exception):  # the end of the run is written all the same, or fails in the same way
                    self._flush()
            else:
                wait([flushed])
