"""Strands' own session manager, with a run's moments of writing hooked in."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from functools import cache, partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any, cast

from strands.agent.agent import Agent
from strands.hooks import (
    AfterInvocationEvent,
    AfterModelCallEvent,
    AfterNodeCallEvent,
    BeforeInvocationEvent,
    BeforeModelCallEvent,
    BeforeMultiAgentInvocationEvent,
    BeforeNodeCallEvent,
    BeforeToolsEvent,
    HookCallback,
    HookOrder,
    HookRegistry,
    MessageAddedEvent,
)
from strands.interrupt import _InterruptState  # pyright: ignore[reportPrivateUsage]
from strands.middleware import InvokeModelContext, InvokeModelStage
from strands.middleware.types import MiddlewareNext
from strands.session.repository_session_manager import RepositorySessionManager
from strands.types.agent import LocalAgent
from strands.types.content import Message, Messages
from strands.types.events import TypedEvent
from strands.types.session import SessionAgent

from .agent_trace import CALL_EVENTS, trace_call
from .errors import InterruptAnsweredError
from .history import TURN_ENDED, is_prompt, own_message
from .run_repository import RunRepository
from .telemetry import trace_attributes
from .trace import Trace
from .unusable_output import UnusableOutput

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentBase

_TOOL_BLOCKS = frozenset(("toolUse", "toolResult"))

logger = logging.getLogger(__name__)


class RunSessionManager(RepositorySessionManager):
    """`RepositorySessionManager` in charge as ever; it also flushes the run where a crash must lose nothing.

    Before tools run, the user's message, the assistant's request and a human's answers are made durable; while the
    model is called again, and before anything of its answer is used, the tools' results and the state they changed;
    before a node of a Graph or a Swarm goes on with an answer, that answer; after each node, how far it is.

    flush returns when what was gathered is durable; begin_flush starts that, on a thread.
    """

    def __init__(
        self,
        repository: RunRepository,
        session_id: str,
        flush: Callable[[], Awaitable[None]],
        begin_flush: Callable[[], Future[None]],
        attach: Callable[[LocalAgent], None],
        trace: Trace,
    ) -> None:
        super().__init__(session_id, repository)
        self._repository = repository
        self._flush = flush
        self._begin_flush = begin_flush
        self._flushes: dict[str, Future[None]] = {}
        self._attach = attach
        self._trace = trace
        self._source_count = 0  # agents, Graphs and Swarms
        self._at_work: set[str] = set()

    def register_hooks(self, registry: HookRegistry, **kwargs: Any) -> None:
        # Before Strands' own: callbacks of what comes after something are called in reverse, and its is to be first.
        registry.add_callback(AfterNodeCallEvent, self._end_node)
        super().register_hooks(_MessagesLast(registry), **kwargs)  # pyright: ignore[reportArgumentType]
        registry.add_callback(BeforeInvocationEvent, self._begin_turn, order=inf)
        registry.add_callback(AfterInvocationEvent, self._end_turn)
        registry.add_callback(BeforeToolsEvent, self._flush_tool_requests)
        # Before other hooks may change the messages, fail, or wait; and behind the call before they see its answer.
        registry.add_callback(BeforeModelCallEvent, self._begin_flush_of_results)
        registry.add_callback(AfterModelCallEvent, self._end_model_call, order=-inf)
        registry.add_callback(BeforeMultiAgentInvocationEvent, lambda event: self._repository.check_open())  # noqa: ARG005
        registry.add_callback(BeforeNodeCallEvent, self._begin_node)
        registry.add_hook(UnusableOutput())
        for event_type in CALL_EVENTS:  # last, so that a flush before a call is no part of it
            registry.add_callback(event_type, partial(trace_call, self._trace), order=inf)

    def initialize(self, agent: LocalAgent, **kwargs: Any) -> None:
        self._source_count += 1
        if isinstance(agent, Agent):
            self._accept_conversation_manager(agent)
            context = agent.context_manager
            if context and context.stash and not context.stash_is_durable:
                _warn_of_a_stash_in_memory(agent.agent_id)
            agent.trace_attributes |= trace_attributes(self.session_id)
            agent.add_middleware(InvokeModelStage, self._call_model)
        super().initialize(agent, **kwargs)
        kept = self._repository.agent(agent.agent_id).messages
        if kept.before and isinstance(agent, Agent):
            stored = [record.to_message() for record in self._held_records[agent.agent_id]]
            agent.messages = self._fix_broken_tool_use([*kept.before, *stored])
        self._attach(agent)

    def _fix_broken_tool_use(self, messages: list[Message]) -> list[Message]:
        """Strands' own asks every message several times, and there is nothing to fix where no tool was used."""
        blocks = chain.from_iterable(message["content"] for message in messages)
        if _TOOL_BLOCKS.isdisjoint(chain.from_iterable(blocks)):
            return messages
        return super()._fix_broken_tool_use(messages)

    def append_message(self, message: Message, agent: LocalAgent, **kwargs: Any) -> None:
        """Other hooks have seen the message: what they made of it is what is stored."""
        if tracking_id := message.get("tracking_id"):
            held = (each for each in reversed(agent.messages) if each.get("tracking_id") == tracking_id)
            message = next(held, message)
        super().append_message(message, agent, **kwargs)

    def initialize_multi_agent(self, source: "MultiAgentBase", **kwargs: Any) -> None:
        self._source_count += 1
        super().initialize_multi_agent(source, **kwargs)

    def sync_agent(self, agent: LocalAgent, **kwargs: Any) -> None:
        """An agent at work that is alone in its run is gathered by `hold` before each write: no message needs it."""
        if self._source_count > 1 or agent.agent_id not in self._at_work or not isinstance(agent, Agent):
            super().sync_agent(agent, **kwargs)

    def _prune_held_records(self, agent: LocalAgent) -> None:
        """A run keeps all of its messages anyway: to look through them with every new one would cost more."""

    def hold(self, agent: LocalAgent) -> None:
        """Gather what the agent holds at the end of the run, whether it was invoked since or not."""
        if isinstance(agent, Agent):
            self._repository.hold(agent, contents=True)
        else:
            self._repository.update_agent(self.session_id, SessionAgent.from_agent(agent))

    def _begin_turn(self, event: BeforeInvocationEvent) -> None:
        self._repository.check_open()
        self._check_answers(event.agent)
        self._at_work.add(event.agent.agent_id)
        held, prompt = event.agent.messages, event.messages
        if held and prompt and held[-1]["role"] == "user" and is_prompt(prompt[0]):
            event.messages = cast(Messages, [own_message("assistant", {"text": TURN_ENDED}), *prompt])

    def _end_turn(self, event: AfterInvocationEvent) -> None:
        self._at_work.discard(event.agent.agent_id)

    def _check_answers(self, agent: Agent) -> None:
        """Strands has put the new answers into its state already, each in place of one that was given before."""
        state, own = agent._interrupt_state, self._repository.agent(agent.agent_id)  # pyright: ignore[reportPrivateUsage]
        ids = [response["interruptResponse"]["interruptId"] for response in state.context.get("responses", [])]
        waiting = own.waiting_interrupts
        if answered := [name for name in ids if name in own.answered_interrupts and name not in waiting]:
            for name in ids:
                state.interrupts[name].response = own.given_responses.get(name)
            raise InterruptAnsweredError(answered, list(waiting))

    async def _flush_tool_requests(self, event: BeforeToolsEvent) -> None:
        self._repository.hold(event.agent, contents=False)
        await self._flush()

    async def _begin_flush_of_results(self, event: BeforeModelCallEvent) -> None:
        """The write goes on beside the call: it costs only the time by which the model's first word is faster."""
        agent, messages = event.agent, event.agent.messages
        if messages and messages[-1]["role"] == "user" and not is_prompt(messages[-1]):
            self._repository.hold(agent, contents=False)
            self._flushes[agent.agent_id] = self._begin_flush()
            if self._is_wrapped_by_others(agent):
                await self._await_results(agent)

    def _is_wrapped_by_others(self, agent: Agent) -> bool:
        """Whether an application's middleware may see an answer, or give one of its own, before ours holds it back."""
        try:
            registered: Any = agent._middleware_registry._handlers  # pyright: ignore[reportPrivateUsage]
        except AttributeError:  # of another version of Strands, where nobody knows
            return True
        handlers = registered.get(InvokeModelStage, [])
        return any(each.phase == "wrap" and each.handler != self._call_model for each in handlers)

    async def _end_model_call(self, event: AfterModelCallEvent) -> None:
        await self._await_results(event.agent)

    async def _await_results(self, agent: LocalAgent) -> None:
        """Raises what the write failed with, as often as it is asked. Who is cancelled meanwhile does not cancel it."""
        if flushed := self._flushes.get(agent.agent_id):
            await asyncio.shield(asyncio.wrap_future(flushed))
            self._flushes.pop(agent.agent_id, None)

    def _call_model(
        self, context: InvokeModelContext, call: MiddlewareNext[InvokeModelContext, TypedEvent]
    ) -> AsyncGenerator[TypedEvent]:
        answer = call(context)
        return self._hold_back(context.agent, answer) if context.agent.agent_id in self._flushes else answer

    async def _hold_back(self, agent: LocalAgent, answer: AsyncGenerator[TypedEvent]) -> AsyncGenerator[TypedEvent]:
        async for event in answer:
            await self._await_results(agent)
            yield event

    async def _end_node(self, event: AfterNodeCallEvent) -> None:
        await self._flush()

    async def _begin_node(self, event: BeforeNodeCallEvent) -> None:
        source: Any = event.source
        if resumption := self._repository.multi_agents.take_resumption(source.id, event.node_id):
            source._interrupt_state = _InterruptState.from_dict(resumption)
        if source._interrupt_state.activated:
            self.sync_multi_agent(source)
            await self._flush()

    def _accept_conversation_manager(self, agent: Agent) -> None:
        """A conversation manager refuses another one's state; the session outlives the change, so it starts fresh."""
        restored = self._repository.read_agent(self.session_id, agent.agent_id)
        if restored is None:
            return
        stored, fresh = restored.conversation_manager_state, agent.conversation_manager.get_state()
        if stored.get("__name__") == fresh.get("__name__") and fresh.keys() <= stored.keys():
            return
        logger.warning(
            "session_id=<%s>, stored=<%s>, given=<%s> | conversation manager changed, it starts fresh on the whole"
            " history",
            self.session_id,
            stored.get("__name__"),
            fresh.get("__name__"),
        )
        restored.conversation_manager_state = fresh
        self._repository.agent(agent.agent_id).forget_kept_messages()


@cache
def _warn_of_a_stash_in_memory(agent_id: str) -> None:
    logger.warning(
        "agent_id=<%s> | what the context manager offloads is held in memory, later turns cannot retrieve it; give its"
        " stash a storage that lasts",
        agent_id,
    )


class _MessagesLast:
    """A registry in which Strands' manager sees a message after every other hook has: one may mask it."""

    def __init__(self, registry: HookRegistry) -> None:
        self._registry = registry

    def add_callback(self, event_type: type[Any], callback: HookCallback[Any]) -> None:
        order = inf if event_type is MessageAddedEvent else HookOrder.DEFAULT
        self._registry.add_callback(event_type, callback, order=order)
