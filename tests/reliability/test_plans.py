"""No call reads a table from end to end, nor more rows than it answers with: time does not grow with the table."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from local.database import EmbeddedDatabase
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.session_records import SessionFilter
from session_store.settings import StoreSettings
from tests.reliability.turns import OWNER, agent_of, hold_turn
from tests.support.scripted_model import ScriptedModel, Stop, UseTool

SESSIONS = 100_000
MESSAGES_OF_ONE = 20_000


@pytest.fixture(scope="module")
def full_url(postgresql_server: EmbeddedDatabase) -> Iterator[str]:
    """100,000 sessions of two owners, each with an agent, a message and a run.

    Two have 20,000 messages: session 1, and session 17 whose window holds 40 of them.
    """
    with psycopg.connect(postgresql_server.url, autocommit=True) as server:
        server.execute("CREATE DATABASE full_of_sessions")
        url = postgresql_server.url.rpartition("/")[0] + "/full_of_sessions"
        with psycopg.connect(url) as connection:
            apply_migrations(connection)
            fill(connection)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield url
        server.execute("DROP DATABASE full_of_sessions WITH (FORCE)")


def fill(connection: "psycopg.Connection[Any]") -> None:
    parameters = {"owner": OWNER, "sessions": SESSIONS, "messages": MESSAGES_OF_ONE}
    # Rows are linked by construction: the checks of foreign keys would only cost time.
    connection.execute("SET session_replication_role = replica")
    connection.execute(
        """
        INSERT INTO sessions (owner, session_id, updated_at, title, error_code)
        SELECT CASE number %% 4 WHEN 0 THEN 'another' ELSE %(owner)s END, 'session ' || number,
               clock_timestamp() - number * interval '1 second', 'Title ' || number, NULL
        FROM generate_series(1, %(sessions)s) AS number
        """,
        parameters,
    )
    connection.execute(
        """
        INSERT INTO session_index
        SELECT session_key, session_labels_v1(owner, ARRAY[NULL], ARRAY[title]),
               to_tsvector('simple', title) || array_to_tsvector(ARRAY[owner_word_v1(owner)])
        FROM sessions
        WHERE session_id LIKE '%5'
        """
    )
    connection.execute(
        """
        INSERT INTO agents
        SELECT session_key, 'default', '{}',
               json_build_object('__name__', 'NullConversationManager', 'removed_message_count', removed), '{}',
               removed,
               CASE WHEN session_id IN ('session 1', 'session 17') THEN %(messages)s ELSE 1 END, '2026', '2026'
        FROM sessions,
             LATERAL (SELECT CASE session_id WHEN 'session 17' THEN %(messages)s - 40 ELSE 0 END) AS a (removed)
        """,
        parameters,
    )
    connection.execute(
        """
        INSERT INTO messages
        SELECT session_key, 'default', number, '{"role": "user", "content": [{"text": "x"}]}', NULL, '2026', '2026'
        FROM sessions JOIN agents USING (session_key), generate_series(0, message_count - 1) AS number
        """,
        parameters,
    )
    connection.execute(
        """
        INSERT INTO runs (run_id, owner, session_key, agent_id, fence, status, idempotency_key)
        SELECT gen_random_uuid(), owner, session_key, 'default', 1, 'completed', session_id
        FROM sessions
        """
    )
    connection.execute("INSERT INTO run_events SELECT run_id, 1, 1, '[]' FROM runs WHERE owner = 'another'")
    connection.execute(
        """
        INSERT INTO waiting_runs (session_key, run_id, is_urgent)
        SELECT session_key, gen_random_uuid(), false FROM sessions WHERE owner = 'another'
        """
    )
    connection.execute(
        """
        INSERT INTO deleted_sessions
        SELECT owner, 'deleted ' || session_id, clock_timestamp() FROM sessions LIMIT 10000
        """
    )
    connection.execute(
        "INSERT INTO abandoned_runs SELECT gen_random_uuid(), owner, clock_timestamp() FROM sessions LIMIT 10000"
    )


def calls() -> Iterator[tuple[str, int, Callable[[PostgreSQLSessionRepository], Any]]]:
    """A name, the rows it may read, and the call."""
    yield "first page of sessions", 250, lambda repository: repository.list_sessions(limit=50)
    yield "a late page of sessions", 1_500, late_page
    yield "a page of messages", 60, lambda repository: repository.list_messages("session 1", "default", 50, 19_000)
    yield (
        "the last messages",
        60,
        lambda repository: repository.store.messages.list(
            OWNER, "session 1", "default", from_message_id=19_999, limit=50, order="desc"
        ),
    )
    yield "one message", 10, lambda repository: repository.read_message("session 1", "default", 12_345)
    yield "a session", 10, lambda repository: repository.read_session("session 5")
    yield (
        "turns",
        400,
        lambda repository: [hold_turn(repository, f"session {number}", "Hello") for number in (2, 3, 5, 6, 7, 9, 10)],
    )
    yield (
        "a tool turn",
        100,
        lambda repository: hold_turn(repository, "session 11", "Hello", UseTool("no", {}), "answer"),
    )
    yield "tool turns on a long history under a window", 600, windowed_turns
    yield "redactions of what is stored, on a long history under a window", 1_500, redactions
    yield "a turn under a key", 100, keyed_turn
    yield (
        "sessions of a title",
        20,
        lambda repository: repository.store.sessions.list(OWNER, only=SessionFilter(title="Title 25")),
    )
    yield "a search", 20, lambda repository: repository.store.sessions.search(OWNER, "35")
    yield (
        "a fork of a long history's beginning",
        300,
        lambda repository: repository.fork_session("session 1", message_id=49),
    )
    yield "turns that go on from an earlier message", 400, rewound_turns
    yield "a deletion", 60, lambda repository: repository.delete_session("session 13")
    yield (
        "nothing to expire",
        60,
        lambda repository: (
            list(repository.store.sessions.expire(30)),  # type: ignore[attr-defined]
            list(repository.store.runs.expire(24)),  # type: ignore[attr-defined]
            list(repository.store.sessions.expire_leftovers(24)),  # type: ignore[attr-defined]
        ),
    )


def late_page(repository: PostgreSQLSessionRepository) -> None:
    cursor = None
    for _ in range(5):
        cursor = repository.list_sessions(limit=50, cursor=cursor).next_cursor


def windowed_turns(repository: PostgreSQLSessionRepository) -> None:
    """More than five: then PostgreSQL keeps its plan."""
    for _ in range(7):
        hold_turn(repository, "session 17", "Hello", UseTool("no", {}), "answer")


def redactions(repository: PostgreSQLSessionRepository) -> None:
    for _ in range(7):
        hold_turn(repository, "session 17", "Hello", UseTool("no", {}), Stop("guardrail_intervened"))


def rewound_turns(repository: PostgreSQLSessionRepository) -> None:
    for number in (18, 19, 21, 22, 23, 26, 27):
        with repository.run(f"session {number}", from_message_id=0) as run:
            agent_of(run.session_manager, ScriptedModel("again"))("Hello")


def keyed_turn(repository: PostgreSQLSessionRepository) -> None:
    for session_id in ("session 14", "session 15"):
        with repository.run(session_id, idempotency_key="a new key", request_hash="hash"):
            pass


@pytest.mark.parametrize(("rows", "call"), [pytest.param(*each[1:], id=each[0]) for each in calls()])
def test_a_call_reads_by_index_and_no_more_than_it_needs(
    full_url: str, rows: int, call: Callable[[PostgreSQLSessionRepository], Any]
) -> None:
    before = rows_read(full_url)
    store = PostgreSQLStore(StoreSettings(url=full_url))
    call(PostgreSQLSessionRepository(store=store))
    store.close()
    after = rows_read(full_url)
    scans = {table: after[table][0] - before[table][0] for table in after}
    for empty in ("multi_agents", "stored_values", "deleted_sessions", "abandoned_runs"):
        del scans[empty]
    assert scans == dict.fromkeys(scans, 0), "a table was read from end to end"
    assert sum(after[table][1] - before[table][1] for table in after) <= rows


def test_an_owner_of_many_among_owners_of_one_session_has_turns_that_read_no_more(database_url: str) -> None:
    """There the planner expects one session of every owner, and one index seems as good as the other."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO sessions (owner, session_id)
            SELECT CASE WHEN number > 2000 THEN 'owner ' || number ELSE %s END, 'session ' || number
            FROM generate_series(1, 20000) AS number
            """,
            [OWNER],
        )
        connection.execute("VACUUM ANALYZE sessions")
    before = rows_read(database_url)
    store = PostgreSQLStore(StoreSettings(url=database_url))
    for number in range(10, 20):
        hold_turn(PostgreSQLSessionRepository(store=store), f"session {number}", "Hello", UseTool("no", {}), "answer")
    store.close()
    assert rows_read(database_url)["sessions"][1] - before["sessions"][1] <= 200


def rows_read(url: str) -> dict[str, tuple[int, int]]:
    """Of each table: sequential scans, and rows read in any way; a backend has told all when it ends."""
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name = 'session-store'"
        ).fetchone():
            pass
        found = connection.execute(
            """
            SELECT relname, seq_scan, seq_tup_read + coalesce((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i
                                                               WHERE i.relid = t.relid), 0)::bigint
            FROM pg_stat_user_tables t
            """
        ).fetchall()
    return {table: (scans, read) for table, scans, read in found}
