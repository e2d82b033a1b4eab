"""Calls of the store for event loops, each on a thread: none of them blocks the loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Not asyncio's own threads: whatever waits for a database must keep nothing else of the process waiting for a thread.
_MAXIMUM_THREADS = 256


def submit(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
    """Call it on a thread, in a copy of this context: time limit, log keys and trace are the caller's."""
    return _threads().submit(copy_context().run, function, *arguments, **named)


def start_or_call(function: Callable[[], None]) -> Future[None]:
    """On a thread, or here and now where there is none to be had: the main thread has ended, or there are too many."""
    try:
        return submit(function)
    except RuntimeError:
        called = Future[None]()
        called.set_result(function())
        return called


async def offload(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    return await asyncio.wrap_future(submit(function, *arguments, **named))


class AsyncContext:
    """`async with` for a class that has a blocking `with`.

    is_async: whether it was entered so.
    """

    is_async = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    async def __aenter__(self) -> Self:
        self.is_async = True
        entering = submit(self.__enter__)
        try:
            return await asyncio.wrap_future(entering)
        except asyncio.CancelledError:
            # The thread goes on, and what it enters has to be left again.
            entering.add_done_callback(self._leave)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Who is cancelled meanwhile waits all the same: afterwards nothing of it is under way."""
        leaving = asyncio.wrap_future(submit(self.__exit__, kind, error, traceback))
        try:
            await asyncio.shield(leaving)
        except asyncio.CancelledError:
            await asyncio.wait([leaving])
            leaving.exception()  # seen, though the cancellation is what is raised
            raise

    def _leave(self, entered: Future[Any]) -> None:
        if not entered.cancelled() and entered.exception() is None:
            submit(self.__exit__, asyncio.CancelledError, asyncio.CancelledError(), None)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MAXIMUM_THREADS, "session-store")


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_threads.cache_clear)
