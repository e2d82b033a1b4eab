"""Strands' own session manager, with a run's moments of writing hooked in."""

import logging
from collections.abc import Callable
from typing import Any

from strands.agent.agent import Agent
from strands.hooks import (
    AfterNodeCallEvent,
    AgentInitializedEvent,
    BeforeModelCallEvent,
    BeforeToolsEvent,
    HookRegistry,
)
from strands.session.repository_session_manager import RepositorySessionManager
from strands.types.agent import LocalAgent

from .run_repository import RunRepository

logger = logging.getLogger(__name__)


class RunSessionManager(RepositorySessionManager):
    """`RepositorySessionManager` in charge as ever; it also flushes the run where a crash must lose nothing.

    Before tools run, the user's message and the assistant's request are made durable; before the model is called
    again, the tools' results and the state they changed; after each node of a Graph or a Swarm, how far it is.
    """

    def __init__(
        self, repository: RunRepository, session_id: str, flush: Callable[[], None], attach: Callable[[Agent], None]
    ) -> None:
        super().__init__(session_id, repository)
        self._repository = repository
        self._flush = flush
        self._attach = attach

    def register_hooks(self, registry: HookRegistry, **kwargs: Any) -> None:
        # Before Strands' own: callbacks of what comes after something are called in reverse, and its is to be first.
        registry.add_callback(AfterNodeCallEvent, lambda event: self._flush())  # noqa: ARG005 - called by keyword
        super().register_hooks(registry, **kwargs)
        registry.add_callback(AgentInitializedEvent, lambda event: self._attach(event.agent))
        registry.add_callback(BeforeToolsEvent, lambda event: self._flush())  # noqa: ARG005 - called by keyword
        registry.add_callback(BeforeModelCallEvent, self._flush_tool_results)

    def initialize(self, agent: LocalAgent, **kwargs: Any) -> None:
        if isinstance(agent, Agent):
            self._accept_conversation_manager(agent)
        super().initialize(agent, **kwargs)

    def _flush_tool_results(self, event: BeforeModelCallEvent) -> None:
        messages = event.agent.messages
        if messages and any("toolResult" in block for block in messages[-1]["content"]):
            self._flush()

    def _accept_conversation_manager(self, agent: Agent) -> None:
        """A conversation manager refuses another one's state; the session outlives the change, so it starts fresh."""
        stored = self._repository.conversation_manager_state
        fresh = agent.conversation_manager.get_state()
        if stored is None or (stored.get("__name__") == fresh.get("__name__") and fresh.keys() <= stored.keys()):
            return
        logger.warning(
            "session_id=<%s>, stored=<%s>, given=<%s> | conversation manager changed, it starts fresh on the whole"
            " history",
            self.session_id,
            stored.get("__name__"),
            fresh.get("__name__"),
        )
        self._repository.replace_conversation_manager_state(fresh)
