"""Listing sessions as their number grows: the first page and the 1,000th."""

import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import psycopg

from local.database import EmbeddedDatabase
from session_store.postgresql import PostgreSQLStore
from session_store.settings import StoreSettings
from tests.benchmarks.contest import create_database

PAGE_SIZE = 50
TIMES = 50
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


def measure(server: EmbeddedDatabase, sessions: int) -> dict[str, Any]:
    url = create_database(server, "lists", migrated=True)
    with psycopg.connect(url, autocommit=True) as connection:
        _generate(connection, sessions)
    store = PostgreSQLStore(StoreSettings(url=url))
    pages = min(1000, sessions // PAGE_SIZE)
    cursor: str | None = None
    for _ in range(pages - 1):
        cursor = store.sessions.list("owner", limit=PAGE_SIZE, cursor=cursor).next_cursor
    first, last = _milliseconds(store, None), _milliseconds(store, cursor)
    store.close()
    return {"measure": "lists", "sessions": sessions, "first_page_ms": first, "page": pages, "that_page_ms": last}


def _generate(connection: "psycopg.Connection[Any]", sessions: int) -> None:
    statement = "COPY sessions (owner, session_id, updated_at, preview, error_code) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for number in range(sessions):
            moment = EARLIEST + timedelta(seconds=number)
            copy.write_row(("owner", f"session-{number}", moment, f"Prompt number {number}", None))
    connection.execute(
        "INSERT INTO agents (session_key, agent_id, state, conversation_manager_state, internal_state,"
        " removed_message_count, message_count, created_at, updated_at)"
        " SELECT session_key, 'default', '{}', '{}', '{}', 0, 2, '2026-01-01', '2026-01-01' FROM sessions"
    )
    connection.execute("VACUUM ANALYZE")


def _milliseconds(store: PostgreSQLStore, cursor: str | None) -> float:
    times: list[float] = []
    for _ in range(TIMES):
        started = time.perf_counter()
        assert len(store.sessions.list("owner", limit=PAGE_SIZE, cursor=cursor).sessions) == PAGE_SIZE
        times.append((time.perf_counter() - started) * 1000)
    return median(times)
