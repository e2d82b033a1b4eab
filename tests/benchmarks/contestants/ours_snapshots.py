"""This project, its sessions as snapshots under Strands' SnapshotSessionManager: a run a turn."""

import asyncio
from dataclasses import replace

from harness import main
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands_agent import build_agent, seed_messages

from session_store import open_store
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.settings import StoreSettings


class OursSnapshots:
    def __init__(self, url: str) -> None:
        self._repository = PostgreSQLSessionRepository(store=open_store(replace(StoreSettings(), url=url)))

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        with self._repository.run(session_id) as run:
            manager = _manager(run)
            agent = build_agent(window=window, session_manager=manager, agent_id="default")
            agent.messages.extend(seed_messages(messages))
            asyncio.run(manager.save_snapshot(agent, is_latest=True))

    def turn(self, session_id: str, tools: int) -> None:
        with self._repository.run(session_id) as run:
            build_agent(tools, session_manager=_manager(run), agent_id="default")("What next?")

    def restore(self, session_id: str, *, window: bool) -> int:
        self._restored = self._repository.run(session_id).__enter__()
        agent = build_agent(window=window, session_manager=_manager(self._restored), agent_id="default")
        return len(agent.messages)

    def after_restore(self) -> None:
        self._restored.__exit__(None, None, None)
        del self._restored


def _manager(run: Run) -> SnapshotSessionManager:
    return SnapshotSessionManager(run.session_id, storage=run.storage)


if __name__ == "__main__":
    main(OursSnapshots)
