# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0", "strands-postgresql-session-manager==0.2.0", "sqlmodel==0.0.27"]
# ///
"""strands-postgresql-session-manager, as its README uses it: one engine a process.

The sqlmodel is an older one: with the one that a fresh install brings (0.0.50) its first write fails.
"""

from harness import main
from sqlmodel import SQLModel, create_engine
from strands_agent import build_agent, seed_through
from strands_postgresql_session_manager import PostgresSessionManager


class StrandsPostgreSQLSessionManager:
    def __init__(self, url: str) -> None:
        # The driver that it installs: plain postgresql://, as its README has it, asks SQLAlchemy 2.1 for another one.
        self._engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1))
        SQLModel.metadata.create_all(self._engine)

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        seed_through(PostgresSessionManager(session_id, self._engine), messages, window=window)

    def turn(self, session_id: str, tools: int) -> None:
        build_agent(tools, session_manager=PostgresSessionManager(session_id, self._engine))("What next?")

    def restore(self, session_id: str, *, window: bool) -> int:
        manager = PostgresSessionManager(session_id, self._engine)
        return len(build_agent(window=window, session_manager=manager).messages)


if __name__ == "__main__":
    main(StrandsPostgreSQLSessionManager)
