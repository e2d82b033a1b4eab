"""Strands' SnapshotSessionManager, saved once an invocation (its default), on any storage of a peer's."""

from typing import Any

from harness import Loop
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands_agent import build_agent, seed_messages


class StrandsSnapshots:
    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._loop = Loop()

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        manager = SnapshotSessionManager(session_id, storage=self._storage)
        agent = build_agent(window=window, session_manager=manager, agent_id="default")
        agent.messages.extend(seed_messages(messages))
        self._loop.run(manager.save_snapshot(agent, is_latest=True))

    def turn(self, session_id: str, tools: int) -> None:
        manager = SnapshotSessionManager(session_id, storage=self._storage)
        build_agent(tools, session_manager=manager, agent_id="default")("What next?")

    def restore(self, session_id: str, *, window: bool) -> int:
        manager = SnapshotSessionManager(session_id, storage=self._storage)
        return len(build_agent(window=window, session_manager=manager, agent_id="default").messages)
