# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0", "strands-session-sql[postgres]==0.2.0"]
# ///
"""strands-session-sql with one engine a process."""

from harness import main
from sqlalchemy import create_engine
from strands_agent import build_agent, seed_through
from strands_session_sql import SQLSessionManager


class StrandsSessionSQL:
    def __init__(self, url: str) -> None:
        self._engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        seed_through(SQLSessionManager(session_id, engine=self._engine), messages, window=window)

    def turn(self, session_id: str, tools: int) -> None:
        build_agent(tools, session_manager=SQLSessionManager(session_id, engine=self._engine))("What next?")

    def restore(self, session_id: str, *, window: bool) -> int:
        manager = SQLSessionManager(session_id, engine=self._engine)
        return len(build_agent(window=window, session_manager=manager).messages)


if __name__ == "__main__":
    main(StrandsSessionSQL)
