# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "strands-agents==1.62.0", "strands-postgresql-session-manager==0.2.0", "sqlmodel==0.0.27",
#   "strands-session-sql[postgres]==0.2.0", "strands-postgres-storage==0.1.1", "psycopg[binary]>=3.2",
# ]
# ///
"""Holds a conversation with each other PostgreSQL store for Strands, each in the database that is named for it.

python hold_turns.py RELATIONAL_URL KEYED_URL VALUE_URL
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from scripted_model import ScriptedModel, UseTool
from sqlalchemy import create_engine
from sqlmodel import SQLModel
from strands import Agent, tool
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands_postgres_storage import PostgresStorage
from strands_postgresql_session_manager import PostgresSessionManager
from strands_session_sql import SQLSessionManager


@tool
def look_up(words: str) -> str:
    """Look something up."""
    return f"found {words}"


def hold(session_manager: Any) -> None:
    model = ScriptedModel(UseTool("look_up", {"words": "größe \u2028"}), "You are Alice.", "Still Alice.")
    agent = Agent(
        model=model, session_manager=session_manager, agent_id="default", tools=[look_up], callback_handler=None
    )
    agent.state.set("mood", "good")
    agent("My name is Alice")
    agent("Who am I?")


relational_url, keyed_url, value_url = (
    url.replace("postgresql://", "postgresql+psycopg://", 1) for url in sys.argv[1:]
)
relational = create_engine(relational_url)
SQLModel.metadata.create_all(relational)
hold(PostgresSessionManager("user-123", relational))
hold(SQLSessionManager("user-123", url=keyed_url))
hold(SnapshotSessionManager("user-123", storage=PostgresStorage(value_url)))
