"""Expiry and deletion do bounded work in each statement, and one session that cannot be deleted holds up no other."""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from session_store.errors import (
    AgentNotFoundError,
    LeaseLostError,
    RunNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
    StoreUnavailableError,
)
from session_store.postgresql import PostgreSQLStore
from session_store.postgresql.expiry import MAXIMUM_ROWS
from session_store.records import RunOutcome, ValueWrite
from session_store.sending import Sending, sent_as
from session_store.settings import StoreSettings
from tests.contract.records import add_session, agent, message
from tests.contract.runs import begin, commit, request, write

OWNER = "owner"


@pytest.fixture
def watch(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def add_messages(watch: "psycopg.Connection[Any]", session_id: str, count: int) -> None:
    watch.execute(
        """
        INSERT INTO messages
        SELECT session_key, agent_id, message_id, '{}', NULL, '2026', '2026'
        FROM sessions JOIN agents USING (session_key), generate_series(0, %s) AS message_id
        WHERE session_id = %s
        """,
        (count - 1, session_id),
    )
    watch.execute(
        """
        UPDATE agents SET message_count = %s
        WHERE session_key = (SELECT session_key FROM sessions WHERE session_id = %s)
        """,
        (count, session_id),
    )


def counted(watch: "psycopg.Connection[Any]", table: LiteralString) -> int:
    return watch.execute("SELECT count(*) FROM " + table).fetchall()[0][0]  # noqa: S608


def age(watch: "psycopg.Connection[Any]") -> None:
    watch.execute("UPDATE sessions SET updated_at = updated_at - interval '100 days' WHERE owner <> ''")


def test_a_large_session_is_gone_at_once_and_swept_afterwards(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="large")
    add_messages(watch, "large", 25_000)
    held = request("large")
    begin(store, OWNER, held)
    store.sessions.delete(OWNER, "large")
    assert counted(watch, "messages") == 15_001
    assert store.sessions.list(OWNER).sessions == []
    assert store.sessions.read(OWNER, "large") is None
    with pytest.raises(SessionNotFoundError):
        store.sessions.delete(OWNER, "large")
    with pytest.raises(RunNotFoundError):
        store.runs.read(OWNER, held.run_id)
    with pytest.raises(LeaseLostError, match="deleted"):
        store.runs.write(OWNER, write(held))

    add_session(store, OWNER, "anew", session_id="large")
    begun = begin(store, OWNER, request("large"))
    assert [record.message_id for record in begun.messages] == [0]
    assert list(store.sessions.expire(None)) == [0, 0, 0, 1]
    assert (counted(watch, "messages"), counted(watch, "agents"), counted(watch, "sessions")) == (1, 1, 1)


def test_a_key_of_a_deleted_session_is_free(store: PostgreSQLStore, watch: "psycopg.Connection[Any]") -> None:
    add_session(store, OWNER, session_id="keyed")
    watch.execute(
        """
        INSERT INTO runs (run_id, owner, session_key, agent_id, fence, status, idempotency_key, result)
        SELECT gen_random_uuid(), owner, session_key, 'default', 1, 'completed', 'key ' || number, '{}'
        FROM sessions, generate_series(1, 25000) AS number
        """
    )
    store.sessions.delete(OWNER, "keyed")
    assert (counted(watch, "runs"), counted(watch, "sessions")) == (0, 0)
    begin(store, OWNER, request("other")._replace(idempotency_key="key 24999", request_hash="h"))


def test_a_large_agent_is_deleted_in_bounded_statements_while_nobody_else_has_the_session(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="s")
    add_messages(watch, "s", 600)
    assert delete_part(watch, 500) == "going"
    assert counted(watch, "messages") == 100
    with pytest.raises(SessionBusyError):
        begin(store, OWNER, request("s"))
    with pytest.raises(SessionBusyError):
        store.agents.delete(OWNER, "s", "default")
    assert delete_part(watch, 500) == "gone"
    assert (counted(watch, "messages"), counted(watch, "agents")) == (0, 0)
    begun = begin(store, OWNER, request("s"))
    assert begun.agent is None


def delete_part(watch: "psycopg.Connection[Any]", max_rows: int) -> str:
    deletion_id = "5a1f4c1e-0000-4000-8000-000000000000"
    return watch.execute(
        "SELECT state FROM delete_agent_v1(%s, 's', 'default', %s, extract(epoch FROM clock_timestamp())::float8, %s)",
        (OWNER, deletion_id, max_rows),
    ).fetchall()[0][0]


def test_an_agent_with_more_messages_than_a_statement_deletes_goes_at_once(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="s")
    add_messages(watch, "s", 25_000)
    store.agents.delete(OWNER, "s", "default")
    assert (counted(watch, "messages"), counted(watch, "agents"), counted(watch, "sessions")) == (0, 0, 1)
    with pytest.raises(AgentNotFoundError):
        store.agents.delete(OWNER, "s", "default")


def test_stored_events_and_values_count_as_rows_too(store: PostgreSQLStore, watch: "psycopg.Connection[Any]") -> None:
    add_session(store, OWNER, session_id="s")
    asked = request("s")
    begin(store, OWNER, asked)
    store.runs.write(OWNER, commit(asked))
    watch.execute(
        "INSERT INTO run_events SELECT %s, number, number, '[]' FROM generate_series(1, 600) AS number", [asked.run_id]
    )
    store.values.write(OWNER, ValueWrite("session/s/file", b"x" * 2_500_000, None))
    key = watch.execute("SELECT session_key FROM sessions").fetchall()[0][0]
    swept = [watch.execute("SELECT * FROM sweep_session_v2(%s, 500)", [key]).fetchall()[0] for _ in range(5)]
    assert swept[:4] == [("visible", 500), ("visible", 601), ("visible", 500), ("visible", 500)]
    assert swept[4][0] == "gone"


def test_runs_expire_with_no_more_rows_of_their_streams_than_a_statement_deletes(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    for session_id in ("one", "two"):
        asked = request(session_id)
        begin(store, OWNER, asked)
        store.runs.write(OWNER, commit(asked))
        watch.execute(
            "INSERT INTO run_events SELECT %s, number, number, '[]' FROM generate_series(1, 3000) AS number",
            [asked.run_id],
        )
    assert list(store.runs.expire(0)) == [0, 2]
    assert (counted(watch, "run_events"), counted(watch, "runs")) == (0, 0)


def test_a_session_with_more_rows_than_a_statement_deletes_expires_in_several(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="large")
    add_messages(watch, "large", 12_000)
    for agent_id in ("b", "c"):
        store.agents.create(OWNER, "large", agent(agent_id))
    store.multi_agents.create(OWNER, "large", "graph", "{}")
    age(watch)
    batches = store.sessions.expire(90)
    assert next(batches) == 0
    assert store.sessions.read(OWNER, "large") is None, "nobody may see half of a session"
    assert list(batches) == [0, 1]
    assert [counted(watch, table) for table in ("sessions", "agents", "messages", "multi_agents")] == [0] * 4


def test_a_removed_history_and_a_failed_first_turn_expire_in_as_bounded_steps(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="removed")
    add_messages(watch, "removed", 12_000)
    begin(store, OWNER, failed := request("failed"))
    store.runs.write(OWNER, write(failed, outcome=RunOutcome("failed", error_code="model_failed")))
    watch.execute(
        """
        INSERT INTO runs (run_id, owner, session_key, agent_id, fence, status)
        SELECT gen_random_uuid(), owner, session_key, agent_id, fence, status FROM runs, generate_series(1, 12000)
        """
    )
    age(watch)
    watch.execute("UPDATE sessions SET removed_at = updated_at WHERE session_id = 'removed'")
    batches = store.sessions.expire_leftovers(24)
    left = [counted(watch, "runs") + counted(watch, "messages")]
    for _ in batches:
        left.append(counted(watch, "runs") + counted(watch, "messages"))
    assert max(before - after for before, after in pairwise(left)) <= MAXIMUM_ROWS
    list(store.sessions.expire(None))
    assert [counted(watch, table) for table in ("sessions", "messages", "runs")] == [0] * 3


@pytest.mark.parametrize("poison", ["trigger", "foreign key", "lock"])
def test_a_session_that_cannot_be_deleted_is_passed_over_and_named(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]", database_url: str, poison: str
) -> None:
    for number in range(5):
        add_session(store, OWNER, "Hello", session_id=f"s{number}")
    age(watch)
    ((key,),) = watch.execute("SELECT session_key::text FROM sessions WHERE session_id = 's2'").fetchall()
    with psycopg.connect(database_url) as another:
        if poison == "lock":
            another.execute("SELECT FROM messages WHERE session_key = %s FOR UPDATE", (key,))
        if poison == "foreign key":
            watch.execute("CREATE TABLE theirs (session_key uuid REFERENCES sessions)")
            watch.execute("INSERT INTO theirs VALUES (%s)", (key,))
        if poison == "trigger":
            watch.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'kept by law'; END $$"
            )
            watch.execute(
                "CREATE TRIGGER refuse BEFORE DELETE ON messages FOR EACH ROW"
                f" WHEN (OLD.session_key = '{key}') EXECUTE FUNCTION refuse()"
            )
        batches = store.sessions.expire(90)
        assert sum(batches) == 4
        assert list(batches.passed_over) == [key]
        assert [session.session_id for session in store.sessions.list(OWNER).sessions] == ["s2"]


def test_a_statement_that_takes_too_long_is_repeated_with_fewer_rows(
    store: PostgreSQLStore, database_url: str, watch: "psycopg.Connection[Any]"
) -> None:
    for session_id in ("slow", "quick"):
        add_session(store, OWNER, session_id=session_id)
    add_messages(watch, "slow", 600)
    age(watch)
    watch.execute(
        """
        CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(0.001); RETURN OLD; END $$
        """
    )
    watch.execute("CREATE TRIGGER dawdle BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION dawdle()")
    name = sql.Identifier(watch.info.dbname)
    watch.execute(sql.SQL("ALTER DATABASE {} SET statement_timeout = '300ms'").format(name))
    limited = PostgreSQLStore(StoreSettings(url=database_url, connect_timeout_seconds=9))
    batches = limited.sessions.expire(90)
    assert (sum(batches), batches.passed_over) == (2, {})
    limited.close()


def test_runs_that_cannot_be_deleted_are_passed_over(store: PostgreSQLStore, watch: "psycopg.Connection[Any]") -> None:
    asked = [request(session_id) for session_id in ("one", "two")]
    for each in asked:
        begin(store, OWNER, each)
        store.runs.write(OWNER, commit(each))
    watch.execute("CREATE TABLE theirs (run_id uuid REFERENCES runs)")
    watch.execute("INSERT INTO theirs VALUES (%s)", (asked[0].run_id,))
    batches = store.runs.expire(0)
    assert sum(batches) == 1
    assert list(batches.passed_over) == [asked[0].run_id]


def test_a_deletion_that_comes_late_leaves_the_session_that_was_created_again(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="s")
    store.sessions.delete(OWNER, "s")
    add_session(store, OWNER, "again", session_id="s")
    with sent_as(Sending(time.time() - 60, 30)), pytest.raises(SessionNotFoundError):
        store.sessions.delete(OWNER, "s")
    assert store.messages.read(OWNER, "s", "default", 0) == message(0, "again")


def test_a_begin_that_was_sent_before_a_large_session_was_deleted_does_not_bring_it_back(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]"
) -> None:
    add_session(store, OWNER, session_id="large")
    add_messages(watch, "large", 11_000)
    sent = Sending(time.time(), 30)
    store.sessions.delete(OWNER, "large")
    with sent_as(sent), pytest.raises(StoreUnavailableError):
        begin(store, OWNER, request("large"))
    assert counted(watch, "messages") == 1_000
    assert store.sessions.read(OWNER, "large") is None
