"""Several agents in one run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from strands import tool

from session_store.repository import PostgreSQLSessionRepository
from tests.proof.turns import agent_of, assert_closed, history, texts, wait_until_blocked
from tests.scripted_model import ScriptedModel, UseTool

WAIT_SECONDS = 30


@pytest.fixture
def watch(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@tool
def work() -> str:
    """Works."""
    return "worked"


def test_what_an_agent_says_while_another_ones_write_is_on_its_way_is_stored(
    repository: PostgreSQLSessionRepository, database_url: str, watch: "psycopg.Connection[Any]"
) -> None:
    """As sub-agents do, each on the thread of the tool that asks it."""
    with repository.run("user-123", "writer") as run, ThreadPoolExecutor() as pool:
        writer_model = ScriptedModel(UseTool("work", {}), "written")
        writer = agent_of(run.session_manager, writer_model, [work], agent_id="writer")
        speaker = agent_of(run.session_manager, ScriptedModel("spoken"), agent_id="speaker")
        with psycopg.connect(database_url) as holder:
            holder.execute("SELECT FROM sessions FOR UPDATE")
            writing = pool.submit(writer, "write")
            wait_until_blocked(watch)
            speaking = pool.submit(speaker, "speak")
            assert not done(speaking, within_seconds=0.3)  # time enough to say it, were it not to wait
        writing.result(WAIT_SECONDS)
        speaking.result(WAIT_SECONDS)
    for agent_id, said in (("writer", ["write", "written"]), ("speaker", ["speak", "spoken"])):
        messages = history(repository._store, "user-123", agent_id)
        assert_closed(messages)
        assert texts(messages) == said


def done(future: Any, *, within_seconds: float) -> bool:
    try:
        future.result(within_seconds)
    except TimeoutError:
        return False
    return True
