"""How a run begins when another one is about to end, has ended or was deleted; and what it reads."""

import base64
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from session_store._statement_names import StatementNames
from session_store.errors import LeaseLostError, SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.postgresql.run_begin import BEGIN
from session_store.records import RunOutcome, RunRequest
from session_store.repository import PostgreSQLSessionRepository
from session_store.sending import Sending
from session_store.settings import NO_BUDGET, OwnerBudget, StoreSettings
from tests.reliability.begins import COMPLETED, begin, expire_lease, held_open, request, write
from tests.reliability.turns import (
    OWNER,
    agent_of,
    assert_closed,
    history,
    hold_turn,
    hold_turn_when_free,
    texts,
    wait_until_blocked,
)
from tests.support.scripted_model import ScriptedModel


@pytest.fixture
def store(url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=url))
    yield opened
    opened.close()


def test_a_begin_that_waits_for_a_commit_sees_its_messages(
    store: PostgreSQLStore, database_url: str, watch: "psycopg.Connection[Any]"
) -> None:
    # As one plain statement (WITH lease AS (UPDATE … RETURNING …) SELECT … FROM messages), begin takes the lease after
    # the commit it waited for, and returns the messages of the snapshot from before: this test then sees none.
    first, second = request(), request()
    begin(store, first)
    with ThreadPoolExecutor() as pool, psycopg.connect(database_url, autocommit=True) as committing:
        with held_open(committing, write(first, "one", "two", outcome=COMPLETED)):
            begun = pool.submit(begin, store, second)
            wait_until_blocked(watch)
            assert not begun.done()
        restored = begun.result(timeout=30)
    assert [message.message_id for message in restored.messages] == [0, 1]
    assert restored.agent is not None
    assert restored.agent.message_count == 2
    assert restored.fence == 2


def test_a_begin_that_waits_for_a_deletion_begins_on_a_new_session(
    store: PostgreSQLStore, database_url: str, watch: "psycopg.Connection[Any]"
) -> None:
    first = request()
    begin(store, first)
    store.runs.write(OWNER, write(first, "one", outcome=COMPLETED))
    with ThreadPoolExecutor() as pool, psycopg.connect(database_url, autocommit=True) as deleting:
        with deleting.transaction():
            deleting.execute("DELETE FROM sessions")
            begun = pool.submit(begin, store, request())
            wait_until_blocked(watch)
        restored = begun.result(timeout=30)
    assert (restored.agent, restored.messages, restored.fence) == (None, [], 1)


def test_a_session_deleted_and_created_again_takes_nothing_from_the_old_run(store: PostgreSQLStore) -> None:
    old, new = request(), request()
    begin(store, old)
    store.sessions.delete(OWNER, "user-123")
    assert begin(store, new).fence == 1  # the same number again: a fence alone would let the old run in

    with pytest.raises(LeaseLostError, match=f"run {new.run_id} holds it now"):
        store.runs.write(OWNER, write(old, "stale", outcome=COMPLETED))
    store.runs.write(OWNER, write(new, "fresh", outcome=COMPLETED))
    with pytest.raises(LeaseLostError, match="the session was deleted"):
        store.runs.write(OWNER, write(old, "stale", outcome=COMPLETED))
    assert texts(history(store, "user-123")) == ["fresh"]


def test_a_run_whose_session_is_deleted_ends_with_that_reason(repository: PostgreSQLSessionRepository) -> None:
    with pytest.raises(LeaseLostError, match="the session was deleted"), repository.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel("answer"))("Hello")
        repository.delete_session("user-123")
    assert repository.read_session("user-123") is None


@pytest.mark.parametrize("key", [None, "key"])
def test_a_repeated_begin_keeps_its_lease_and_fence(store: PostgreSQLStore, key: str | None) -> None:
    again = request(idempotency_key=key, request_hash="hash")
    begun = [begin(store, again) for _ in range(3)]
    assert [repeated.fence for repeated in begun] == [1, 1, 1]
    with pytest.raises(SessionBusyError) as busy:
        begin(store, request())
    assert busy.value.run_id == again.run_id
    assert 0 < busy.value.lease_seconds_left <= 30


@pytest.mark.parametrize("is_new", [True, False])
def test_a_run_begins_on_no_second_session_and_leaves_that_as_it_was(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]", is_new: bool
) -> None:
    other = request("other")
    if not is_new:
        begin(store, other)
        store.runs.write(OWNER, write(other, "Hello", outcome=COMPLETED))
    kept = "SELECT to_jsonb(s) - 'updated_at' FROM sessions s WHERE session_id = 'other'"
    before = watch.execute(kept).fetchall()
    first = request("first")
    begin(store, first)
    with pytest.raises(LeaseLostError):
        store.runs.begin(OWNER, first._replace(session_id="other"))
    assert watch.execute(kept).fetchall() == before
    assert begin(store, request("other")).fence == (1 if is_new else 2)


@pytest.mark.parametrize("budget", [NO_BUDGET, OwnerBudget(runs_per_minute=100)])
def test_a_lease_lasts_from_when_the_session_is_free(
    store: PostgreSQLStore, database_url: str, watch: "psycopg.Connection[Any]", budget: OwnerBudget
) -> None:
    first = request()
    begin(store, first)
    store.runs.write(OWNER, write(first, "Hello", outcome=COMPLETED))
    limited = PostgreSQLStore(StoreSettings(url=database_url, budget=budget))
    with ThreadPoolExecutor() as pool, psycopg.connect(database_url) as other:
        other.execute("SELECT FROM sessions FOR UPDATE")
        waiting = pool.submit(begin, limited, request(lease_seconds=20))
        wait_until_blocked(watch)
        freed = watch.execute("SELECT clock_timestamp()").fetchall()[0][0]
        other.commit()
        waiting.result()
    ((held_until,),) = watch.execute("SELECT lease_until FROM sessions").fetchall()
    limited.close()
    assert held_until >= freed + timedelta(seconds=20)


def test_a_repeated_begin_whose_lease_is_gone_is_refused(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    first = request()
    begin(store, first)
    expire_lease(watch)
    second = request()
    begin(store, second)
    store.runs.write(OWNER, write(second, "second", outcome=COMPLETED))
    with pytest.raises(LeaseLostError):
        begin(store, first)
    assert store.runs.read(OWNER, first.run_id).status == "interrupted"


def test_after_its_lease_a_run_is_interrupted_and_every_write_of_it_refused(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    dead, living = request(), request()
    begin(store, dead)
    expire_lease(watch)
    assert store.runs.read(OWNER, dead.run_id).status == "interrupted"

    def assert_refused() -> None:
        for outcome in (None, COMPLETED, RunOutcome("failed"), RunOutcome("cancelled")):
            with pytest.raises(LeaseLostError):
                store.runs.write(OWNER, write(dead, "stale", outcome=outcome))
        with pytest.raises(LeaseLostError):
            store.runs.renew(OWNER, dead.session_id, dead.run_id, 30)

    assert_refused()
    assert begin(store, living).fence == 2
    assert_refused()
    store.runs.write(OWNER, write(living, "fresh", outcome=COMPLETED))
    assert_refused()
    assert texts(history(store, "user-123")) == ["fresh"]
    assert store.runs.read(OWNER, dead.run_id).status == "interrupted"


def test_a_killed_runs_session_is_free_when_its_lease_ends(repository: PostgreSQLSessionRepository) -> None:
    hold_turn(repository, "user-123", "before")
    killed = repository.run("user-123", lease_seconds=0.3)
    with pytest.raises(LeaseLostError), killed as run:
        run._keeper.stop()  # as if the process had stopped here
        hold_turn_when_free(repository, "user-123", "after")
        agent_of(run.session_manager, ScriptedModel("too late"))("stale")
    stored = history(repository.store, "user-123")
    assert texts(stored) == ["before", "answer to before", "after", "answer to after"]
    assert_closed(stored)
    assert repository.read_run(run.run_id).status == "interrupted"


def test_what_stands_before_the_window_is_not_read_however_large(url: str, store: PostgreSQLStore) -> None:
    """PostgreSQL keeps what is large beside its row, and reads it where a statement asks for its content alone."""
    picture = base64.b64encode(os.urandom(750_000)).decode()
    for session_id, text in (("small", "x"), ("large", picture)):
        begun = request(session_id)
        store.runs.begin(OWNER, begun)
        past = write(begun, text, text, "seen", outcome=COMPLETED)
        agent = past.created_agents[0]._replace(removed_message_count=2)
        store.runs.write(OWNER, past._replace(created_agents=[agent]))
    with psycopg.connect(url, autocommit=True) as connection:
        count_blocks(connection, request("new"))  # the catalog and the plans
        small, large = (count_blocks(connection, request(session_id)) for session_id in ("small", "large"))
        connection.execute("UPDATE agents SET removed_message_count = 0; UPDATE sessions SET lease_until = now()")
        whole = count_blocks(connection, request("large"))
    assert large <= small + 10
    assert whole > large + 200


def count_blocks(connection: "psycopg.Connection[Any]", begun: RunRequest) -> int:
    sending = Sending(time.time(), 30)
    explained = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + StatementNames(None).fill(BEGIN).decode()
    parameters = {"owner": OWNER, **begun._asdict(), **sending._asdict(), **asdict(NO_BUDGET)}
    (((plan,),),) = connection.execute(explained, parameters)  # type: ignore[arg-type]
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
