"""Begins and writes of the one run of a test, and the end of its lease."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from session_store._statement_names import StatementNames
from session_store.postgresql import PostgreSQLStore
from session_store.postgresql.message_words import MessageWords
from session_store.postgresql.run_write import choose_write
from session_store.records import AgentMessage, AgentRecord, BegunRun, MessageRecord, RunOutcome, RunRequest, RunWrite
from session_store.settings import StoreSettings
from tests.reliability.turns import OWNER

NOW = "2026-11-22T10:00:00+00:00"
COMPLETED = RunOutcome("completed")


def request(session_id: str = "user-123", **changes: Any) -> RunRequest:
    return RunRequest(session_id, "default", str(uuid.uuid4()), lease_seconds=30)._replace(**changes)


def write(begun: RunRequest, *texts: str, first_id: int = 0, outcome: RunOutcome | None = None) -> RunWrite:
    """The run's agent, and messages of which each is a whole turn to this store."""
    messages = [f'{{"role":"user","content":[{{"text":"{text}"}}]}}' for text in texts]
    return RunWrite(
        *(begun.session_id, begun.run_id, begun.lease_seconds),
        created_agents=[AgentRecord("default", "{}", "{}", "{}", NOW, NOW)] if first_id == 0 else [],
        messages=[
            AgentMessage("default", MessageRecord(first_id + number, message, None, NOW, NOW))
            for number, message in enumerate(messages)
        ],
        outcome=outcome,
    )


@contextmanager
def held_open(connection: "psycopg.Connection[Any]", run_write: RunWrite) -> Iterator[None]:
    """The write has been carried out, and is committed where the block ends."""
    with connection.transaction():
        statement, parameters = choose_write(OWNER, run_write, MessageWords(StoreSettings()))
        connection.execute(StatementNames(None).fill(statement), parameters)
        yield


def begin(store: PostgreSQLStore, of: RunRequest) -> BegunRun:
    begun = store.runs.begin(OWNER, of)
    assert isinstance(begun, BegunRun)
    return begun


def expire_lease(watch: "psycopg.Connection[Any]") -> None:
    """The lease of the one session runs out now."""
    watch.execute("UPDATE sessions SET lease_until = clock_timestamp()")
    assert watch.execute("SELECT bool_and(lease_until < clock_timestamp()) FROM sessions").fetchone() == (True,)
