"""An agent at work on a thread of its own."""

import asyncio
import contextvars
import queue
import threading
from typing import Any, cast

from strands import Agent
from strands.agent.agent_result import AgentResult
from strands.types.exceptions import EventLoopException, MaxTokensReachedException

from session_store.errors import ModelFailedError, SessionStoreError
from turns.request import Prompt

StrandsEvent = dict[str, Any]


class AgentThread:
    """Asks the agent, and hands over what its stream has.

    A thread, since neither a tool that blocks its event loop nor a model that hangs may keep a deadline or a heartbeat
    from coming.
    """

    def __init__(self, agent: Agent, prompt: Prompt) -> None:
        self._agent, self._prompt = agent, prompt
        self._events: queue.SimpleQueue[StrandsEvent | AgentResult | BaseException] = queue.SimpleQueue()
        context = contextvars.copy_context()  # log keys and trace of the request
        self._thread = threading.Thread(target=context.run, args=(self._work,), daemon=True)
        self._thread.start()

    @property
    def is_at_work(self) -> bool:
        return self._thread.is_alive()

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

    def cancel(self) -> None:
        self._agent.cancel()

    def _work(self) -> None:
        # Not `asyncio.run`: at its end it would wait for tools that hang in threads, beyond any deadline.
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._consume())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            self._events.put(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _consume(self) -> None:
        async for event in self._agent.stream_async(cast(Any, self._prompt)):
            self._events.put(event.get("result", event))


def _translated(error: BaseException) -> BaseException:
    """Strands wraps what a hook raises: a lost database must not look like a failed model."""
    if isinstance(error, EventLoopException):
        return _translated(error.original_exception)
    if isinstance(error, SessionStoreError) or not isinstance(error, Exception):
        return error
    if isinstance(error, MaxTokensReachedException):
        return ModelFailedError("the model reached its limit of tokens before its answer was complete")
    return ModelFailedError("the model failed")
