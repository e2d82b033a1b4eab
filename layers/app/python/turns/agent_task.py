"""An agent at work, as a task of the process's event loop."""

import asyncio
import logging
import queue
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, cast

from strands import Agent
from strands.hooks import AfterModelCallEvent, AfterToolCallEvent
from strands.types.exceptions import ModelThrottledException

from session_store.agent_trace import CallEvent, source_of, trace_call
from session_store.trace import Trace
from turns.agent_errors import find_cause, translate_error
from turns.agent_turn import AgentTurn
from turns.agents import listen, parts_in
from turns.event_loop import process_loop
from turns.events import Event, ToolCallResult
from turns.request import Prompt
from turns.state_changes import StateChanges
from turns.strands_events import StrandsEvents
from turns.strands_result import AgentFinished

if TYPE_CHECKING:
    from turns.agents import BuiltAgent

# A tool that cannot be stopped, since it blocks its thread, keeps nobody waiting for longer; its result is not stored.
STOP_SECONDS = 1.0
CLEANUP_SECONDS = 5.0

logger = logging.getLogger(__name__)


class AgentTask:
    """Asks the agent, and hands over what happens to the thread that takes it.

    Two threads, since neither a tool that blocks the event loop nor a model that hangs may keep a deadline or a
    heartbeat from coming.

    is_throttled: the model's service has refused the latest call, and it is tried again. is_redacted: a guardrail has
    taken back some of what was said. state: its changes are events too, where a frontend wants them.
    input_tokens, output_tokens: of all model calls so far. trace: gets the calls of all agents and nodes.
    """

    def __init__(
        self, built: "BuiltAgent", turn: AgentTurn, prompt: Prompt, trace: Trace, state: StateChanges | None = None
    ) -> None:
        self._built, self._turn, self._prompt, self._trace = built, turn, prompt, trace
        self.state = state
        parts = list(parts_in(built))
        self._nodes = {id(source): node for node, source in parts}
        self._agents = [source for _, source in parts if isinstance(source, Agent)]
        self._translation = StrandsEvents()
        self._happened: queue.SimpleQueue[Event | AgentFinished | BaseException] = queue.SimpleQueue()
        self._ended, self._is_stopped = threading.Event(), False
        self._task: asyncio.Task[None] | None = None
        self.is_throttled = self.is_redacted = False
        self.input_tokens = self.output_tokens = 0
        for _, source in parts:
            listen(source, self)
        self._loop = process_loop()
        # In a copy of this thread's context, as asyncio does it: log keys and trace of the request.
        self._loop.call_soon_threadsafe(self._start)

    @property
    def is_at_work(self) -> bool:
        return not self._ended.is_set()

    def next(self, timeout_seconds: float) -> Event | AgentFinished | None:
        """The next event, last `AgentFinished`; None when none came in time.

        Raises what the agent did, of `session_store.errors`.
        """
        try:
            happened = self._happened.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(happened, BaseException):
            cause = find_cause(happened)
            raise translate_error(cause) from cause
        return happened

    def stop(self) -> None:
        """End what is still at work. An `await` of the agent's ends at once."""
        self._is_stopped = True
        if self.is_at_work:
            for agent in self._agents:
                agent.cancel()
            self._loop.call_soon_threadsafe(self._cancel)
            self._ended.wait(STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """After an error nothing stays at work; else the agent has time to clean up behind itself."""
        if not self._is_stopped and (kind or not self._ended.wait(CLEANUP_SECONDS)):
            self.stop()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work())
        self._task.add_done_callback(lambda _: self._ended.set())

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()

    async def _work(self) -> None:
        state = {"turn": self._turn, "caller": self._turn.caller}
        stream: Any = self._built.stream_async(cast(Any, self._prompt), invocation_state=state)
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    self._take(event)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            self._happened.put(error)
        finally:
            await asyncio.to_thread(self._clean_up)

    def _take(self, event: dict[str, Any]) -> None:
        chunk = _chunk_of(event)
        self.is_redacted = self.is_redacted or "redactContent" in chunk
        usage = chunk.get("metadata", {}).get("usage", {})
        self.input_tokens += usage.get("inputTokens", 0)
        self.output_tokens += usage.get("outputTokens", 0)
        for translated in self._translation.translate(event):
            self._happened.put(translated)
            if isinstance(translated, ToolCallResult):
                self._put_state()
        if "result" in event:
            for closing in self._translation.close():
                self._happened.put(closing)
            self._put_state()
            self._happened.put(AgentFinished(event["result"]))

    def _put_state(self) -> None:
        if self.state and (change := self.state.take()):
            self._happened.put(change)

    def take_call(self, event: CallEvent) -> None:
        trace_call(self._trace, event, self._nodes[id(source_of(event))])
        if isinstance(event, AfterModelCallEvent):
            self._after_model_call(event)
        # Strands gives the words of a tool's error to the model, and to nobody else.
        elif isinstance(event, AfterToolCallEvent) and event.exception:
            logger.warning("tool=<%s> | the tool failed", event.tool_use["name"], exc_info=event.exception)

    def _after_model_call(self, event: AfterModelCallEvent) -> None:
        self.is_throttled = isinstance(event.exception, ModelThrottledException)
        if event.stop_response and event.agent is self._built:
            self._translation.name_message(cast(dict[str, Any], event.stop_response.message))

    def _clean_up(self) -> None:
        if not isinstance(self._built, Agent):
            return
        try:
            self._built.cleanup()
        except Exception as error:  # noqa: BLE001 - whatever the provider of a tool raises, the answer stands
            logger.warning("error=<%s> | the agent did not clean up", type(error).__name__)


def _chunk_of(event: dict[str, Any]) -> dict[str, Any]:
    """What a model said: the agent's own, or a node's of a Graph or a Swarm, whose events stand in the Graph's."""
    inner: Any = event
    while isinstance(inner, dict) and "event" in inner:
        inner = cast(dict[str, Any], inner)["event"]
    return cast(dict[str, Any], inner) if isinstance(inner, dict) else {}
