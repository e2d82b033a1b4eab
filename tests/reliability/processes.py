"""Real processes, forked from one that has imported what they need: starting one costs milliseconds, not a second."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
# Each child imports the main module too, which here is pytest.
PRELOADED = ["pytest", "tests.reliability.workers", "tests.reliability.dying", "tests.contract.orchestration"]
CONTEXT.set_forkserver_preload(PRELOADED)

ANSWER_LIMIT_SECONDS = 60


class Worker:
    """A process that tells this one where it is, and goes on when told to."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self._process: ForkServerProcess = CONTEXT.Process(target=work, args=(*arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def next_point(self) -> Any:
        assert self._pipe.poll(ANSWER_LIMIT_SECONDS), "the worker says nothing"
        return self._pipe.recv()

    def go_on(self) -> None:
        self._pipe.send(None)

    def advance_to(self, point: str) -> None:
        while (reached := self.next_point()) != point:
            assert isinstance(reached, str), f"the worker ended before it came to {point!r}: {reached}"
            self.go_on()

    def has_spoken(self) -> bool:
        return self._pipe.poll()

    def last_word(self) -> Any:
        """What it sends in the end; None if it was killed before (one that ended by an error fails the test)."""
        assert self._pipe.poll(ANSWER_LIMIT_SECONDS), "the worker says nothing"
        try:
            word = self._pipe.recv()
        except EOFError:
            word = None
        self._process.join(ANSWER_LIMIT_SECONDS)
        assert word is not None or self._process.exitcode == -signal.SIGKILL
        self._pipe.close()
        return word

    def kill(self) -> None:
        """As `kill -9` does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def send_signal(self, number: int) -> None:
        os.kill(self._process.pid or 0, number)

    def join(self) -> None:
        self._process.join(ANSWER_LIMIT_SECONDS)
        assert self._process.exitcode == 0
        self._pipe.close()


def pause(pipe: Connection, point: str) -> None:
    pipe.send(point)
    pipe.recv()


@contextmanager
def workers(work: Callable[..., None], *arguments: tuple[Any, ...]) -> Iterator[list[Worker]]:
    """One for each tuple of arguments; none outlives the block."""
    started = [Worker(work, *each) for each in arguments]
    try:
        yield started
    finally:
        for worker in started:
            worker.kill()
