"""Listing and history go through their index, however long the table: the plan of the very statements says so.

25,000 sessions of each of two owners and 100,000 messages of one session; the plans are the same on 1,000,000.
"""

from typing import Any

import psycopg
import pytest

from session_store.postgresql import PostgreSQLStore

OWNER = "iam:AIDAALICE"
SESSIONS = 25_000
MESSAGES = 100_000


@pytest.fixture
def explained(database_url: str, store: PostgreSQLStore) -> list[str]:
    """The plans of the statements that the store sends from now on, as auto_explain writes them."""
    fill(database_url)
    plans: list[str] = []
    store.ping()
    with store._database._taken() as place:
        connection: Any = place.connection()
    connection.add_notice_handler(lambda notice: plans.append(notice.message_primary))
    connection.execute("LOAD 'auto_explain'")
    connection.execute("SET auto_explain.log_min_duration = 0")
    connection.execute("SET auto_explain.log_analyze = on")
    connection.execute("SET client_min_messages = log")
    plans.clear()
    return plans


def fill(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO sessions (owner, session_id, updated_at, error_code)
            SELECT owner, 's' || n, clock_timestamp() - n * interval '1 second', NULL
            FROM generate_series(1, %(sessions)s) n, (VALUES (%(owner)s), ('iam:AIDABOB')) owners (owner)
            """,
            {"sessions": SESSIONS, "owner": OWNER},
        )
        connection.execute(
            """
            INSERT INTO agents (session_key, agent_id, state, conversation_manager_state, internal_state,
                                removed_message_count, message_count, created_at, updated_at)
            SELECT session_key, 'default', '{}', '{}', '{}', 0,
                   CASE WHEN owner = %(owner)s AND session_id = 's1' THEN %(messages)s ELSE 0 END, '', ''
            FROM sessions
            """,
            {"messages": MESSAGES, "owner": OWNER},
        )
        connection.execute(
            """
            INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at)
            SELECT session_key, 'default', n, '{"role":"user","content":[{"text":"Hello"}]}', '', ''
            FROM sessions, generate_series(0, %(messages)s - 1) n
            WHERE owner = %(owner)s AND session_id = 's1'
            """,
            {"messages": MESSAGES, "owner": OWNER},
        )
        connection.execute("VACUUM ANALYZE")


def test_a_page_reads_its_index_alone(explained: list[str], store: PostgreSQLStore) -> None:
    first = store.sessions.list(OWNER, limit=50)
    following = store.sessions.list(OWNER, limit=50, cursor=first.next_cursor)
    upwards = store.messages.list(OWNER, "s1", "default", from_message_id=MESSAGES // 2, limit=51)
    downwards = store.messages.list(OWNER, "s1", "default", from_message_id=MESSAGES // 2, limit=51, order="desc")

    assert [len(page) for page in (first.sessions, following.sessions, upwards, downwards)] == [50, 50, 51, 51]
    indexes = ["sessions_by_activity"] * 2 + ["messages_pkey"] * 2
    for plan, index in zip(explained, indexes, strict=True):
        assert index in plan
        assert_bounded(plan)


def assert_bounded(plan: str) -> None:
    """No scan of a table, no sort of more than the page, no node that gave more rows than the page has."""
    assert "Seq Scan" not in plan
    actual = [float(part.split("rows=")[1].split()[0]) for part in plan.split("(actual ")[1:]]
    assert actual
    assert max(actual) <= 51
