"""An agent at work, as a task of the process's event loop."""

import asyncio
import logging
import queue
import threading
from contextlib import aclosing
from typing import Any, cast

from strands import Agent
from strands.agent.agent_result import AgentResult
from strands.types.exceptions import EventLoopException, MaxTokensReachedException

from session_store.errors import ModelFailedError, SessionStoreError
from turns.event_loop import process_loop
from turns.request import Prompt

StrandsEvent = dict[str, Any]
# A tool that cannot be stopped, since it blocks its thread, keeps nobody waiting for longer; its result is not stored.
STOP_SECONDS = 1.0
CLEANUP_SECONDS = 5.0

logger = logging.getLogger(__name__)


class AgentTask:
    """Asks the agent, and hands over what its stream has to the thread that takes it.

    Two threads, since neither a tool that blocks the event loop nor a model that hangs may keep a deadline or a
    heartbeat from coming.
    """

    def __init__(self, agent: Agent, prompt: Prompt) -> None:
        self._agent, self._prompt = agent, prompt
        self._events: queue.SimpleQueue[StrandsEvent | AgentResult | BaseException] = queue.SimpleQueue()
        self._ended, self._is_stopped = threading.Event(), False
        self._task: asyncio.Task[None] | None = None
        self._loop = process_loop()
        # In a copy of this thread's context, as asyncio does it: log keys and trace of the request.
        self._loop.call_soon_threadsafe(self._start)

    @property
    def is_at_work(self) -> bool:
        return not self._ended.is_set()

    def next(self, timeout_seconds: float) -> StrandsEvent | AgentResult | None:
        """The next event, last the result; None when none came in time.

        Raises what the agent did, of `session_store.errors`.
        """
        try:
            event = self._events.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(event, BaseException):
            raise _translated(event) from event
        return event

    def stop(self) -> None:
        """End what is still at work. An `await` of the agent's ends at once."""
        self._is_stopped = True
        if self.is_at_work:
            self._agent.cancel()
            self._loop.call_soon_threadsafe(self._cancel)
            self._ended.wait(STOP_SECONDS)

    def close(self) -> None:
        """Wait until the agent has cleaned up behind itself."""
        if not self._is_stopped and not self._ended.wait(CLEANUP_SECONDS):
            self.stop()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work())
        self._task.add_done_callback(lambda _: self._ended.set())

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            async with aclosing(cast(Any, self._agent.stream_async(cast(Any, self._prompt)))) as events:
                async for event in events:
                    self._events.put(event.get("result", event))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            self._events.put(error)
        finally:
            await asyncio.to_thread(self._clean_up)

    def _clean_up(self) -> None:
        try:
            self._agent.cleanup()
        except Exception as error:  # noqa: BLE001 - whatever a tool's provider raises, the answer stands
            logger.warning("error=<%s> | an agent did not clean up", type(error).__name__)


def _translated(error: BaseException) -> BaseException:
    """Strands wraps what a hook raises: a lost database must not look like a failed model."""
    if isinstance(error, EventLoopException):
        return _translated(error.original_exception)
    if isinstance(error, SessionStoreError) or not isinstance(error, Exception):
        return error
    if isinstance(error, MaxTokensReachedException):
        return ModelFailedError("the model reached its limit of tokens before its answer was complete")
    return ModelFailedError("the model failed")
