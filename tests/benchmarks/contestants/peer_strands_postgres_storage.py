# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0", "strands-postgres-storage==0.1.1", "psycopg[binary]==3.3.9"]
# ///
"""strands-postgres-storage under Strands' SnapshotSessionManager, saved once an invocation (its default)."""

from harness import Loop, main
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands_agent import build_agent, seed_messages
from strands_postgres_storage import PostgresStorage


class StrandsPostgresStorage:
    def __init__(self, url: str) -> None:
        self._storage = PostgresStorage(url.replace("postgresql://", "postgresql+psycopg://", 1))
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


if __name__ == "__main__":
    main(StrandsPostgresStorage)
