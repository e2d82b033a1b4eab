"""One idempotency key, two sessions, and a begin that the machine holds up between its statements."""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, RunOutcome, RunRecord, RunRequest, RunWrite
from session_store.settings import StoreSettings
from tests.reliability.turns import OWNER
from tests.support.waiting import wait_until

LOCKS = 1, 2  # advisory locks by which a test holds claim_key_v1 up


@pytest.fixture
def store(database_url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=database_url))
    yield opened
    opened.close()


def hold_up_begin(connection: "psycopg.Connection[Any]") -> str:
    """Let claim_key_v1 wait for a lock of the test's before and after it reads who has the key.

    Returns the statement that makes it what it was.
    """
    row = connection.execute("SELECT pg_get_functiondef('claim_key_v1'::regproc)").fetchone()
    original: str = row[0] if row else ""
    pauses = [f"PERFORM pg_advisory_xact_lock_shared({lock});" for lock in LOCKS]
    reading = r"SELECT r\.run_id, r\.session_key, r\.status, r\.request_hash INTO earlier[^;]*;"
    paused, count = re.subn(reading, lambda found: f"{pauses[0]} {found[0]} {pauses[1]}", original)
    assert count == 1
    connection.execute(paused)  # type: ignore[arg-type]
    return original


def waits_for(connection: "psycopg.Connection[Any]", lock: int) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s"
    return connection.execute(waiting, (lock,)).fetchone() == (1,)


def request(session_id: str) -> RunRequest:
    return RunRequest(session_id, "default", str(uuid.uuid4()), 30, idempotency_key="key", request_hash="hash")


def test_a_key_that_is_taken_and_answered_while_a_begin_looks_for_it_runs_once(
    store: PostgreSQLStore, database_url: str
) -> None:
    first, retry = request("one"), request("two")
    with ThreadPoolExecutor() as pool, psycopg.connect(database_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(1), pg_advisory_lock(2)")
        with psycopg.connect(database_url, autocommit=True) as other:
            original = hold_up_begin(other)
            held_up = PostgreSQLStore(StoreSettings(url=database_url))
            answered = pool.submit(held_up.runs.begin, OWNER, retry)
            wait_until(lambda: waits_for(holder, 1))
            other.execute(original)  # type: ignore[arg-type]
            assert isinstance(store.runs.begin(OWNER, first), BegunRun)
            holder.execute("SELECT pg_advisory_unlock(1)")
            wait_until(lambda: waits_for(holder, 2))
            store.runs.write(OWNER, RunWrite("one", first.run_id, 30, outcome=RunOutcome("completed")))
            holder.execute("SELECT pg_advisory_unlock(2)")
            earlier = answered.result(timeout=30)
        held_up.close()
    assert isinstance(earlier, RunRecord)
    assert (earlier.run_id, earlier.status) == (first.run_id, "completed")
