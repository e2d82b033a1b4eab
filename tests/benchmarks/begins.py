"""PostgreSQL's CPU for the begin of a plain turn, as it was before runs could be found again, and as it is now."""

import statistics
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from session_store.connection import Statement
from session_store.migrate import apply_migrations
from session_store.migration_names import FOLDER, migration_names
from session_store.postgresql.run_begin import BEGIN

WINDOW, SESSIONS, ROUNDS, CALLS = 20, 1_000, 20, 50
BEFORE: Statement = """
    SELECT decision, holder::text, seconds_left,
           fence, session_type, session_created_at, session_updated_at, preview,
           agent_id, state, conversation_manager_state, internal_state, agent_created_at, agent_updated_at,
           removed_message_count, message_count, message_id, message, redact_message, created_at, updated_at
    FROM {begin_run_v2}(%(owner)s, %(session_id)s, %(agent_id)s, %(run_id)s::uuid, %(lease_seconds)s::float8,
                        %(idempotency_key)s, %(request_hash)s)
"""
_LAST_BEFORE = "0010"


class ServerProcess:
    """The one that serves a connection, by its process id."""

    def __init__(self, process_id: int) -> None:
        self._file = Path(f"/proc/{process_id}/schedstat")

    def cpu_milliseconds(self) -> float:
        return int(self._file.read_text().split()[0]) / 1e6


def find_server_process(url: str, application_name: str) -> ServerProcess:
    """Of the one open connection of that name to this database."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            [application_name],
        )
        ((process_id,),) = found.fetchall()
    return ServerProcess(process_id)


class Begins:
    """Begins runs on sessions of 20 messages, one after another; nothing else is done over its connection."""

    def __init__(self, url: str, statement: Statement) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        self._others = psycopg.connect(url, autocommit=True)
        self._others.execute("SET synchronous_commit = off")  # what it does is not measured, and need not be waited for
        self._statement = statement.replace("{", "").replace("}", "").encode()
        self._number = 0
        fill(self._others)
        self.process = ServerProcess(self._connection.info.backend_pid)

    def begin_one(self) -> None:
        self._number = self._number % SESSIONS + 1
        named = {
            "owner": "owner",
            "session_id": f"session {self._number}",
            "agent_id": "default",
            "run_id": str(uuid.uuid4()),
            "lease_seconds": 30,
            **dict.fromkeys(("idempotency_key", "request_hash", "runs_per_minute", "tokens_per_day")),
            "sent_at": time.time(),
            "valid_seconds": 30,
            "if_busy": "reject",
        }
        rows = self._connection.execute(self._statement, named).fetchall()
        assert len(rows) == WINDOW + 1
        self._others.execute("UPDATE sessions SET run_id = NULL, lease_until = NULL WHERE run_id IS NOT NULL")
        self._others.execute("UPDATE runs SET status = 'completed' WHERE run_id = %(run_id)s", named)

    def close(self) -> None:
        self._connection.close()
        self._others.close()


def fill(connection: "psycopg.Connection[Any]") -> None:
    body = '{"role":"user","content":[{"text":"' + "x" * 600 + '"}]}'
    named = {"sessions": SESSIONS, "window": WINDOW, "body": body}
    connection.execute(
        """
        INSERT INTO sessions (owner, session_id)
        SELECT 'owner', 'session ' || n FROM generate_series(1, %(sessions)s) n
        """,
        named,
    )
    connection.execute(
        """
        INSERT INTO agents (session_key, agent_id, state, conversation_manager_state, internal_state,
                            removed_message_count, message_count, created_at, updated_at)
        SELECT session_key, 'default', '{}', '{}', '{}', 0, %(window)s, '2026', '2026' FROM sessions
        """,
        named,
    )
    connection.execute(
        """
        INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at)
        SELECT session_key, 'default', n, %(body)s, '2026', '2026' FROM sessions, generate_series(0, %(window)s - 1) n
        """,
        named,
    )
    connection.execute("VACUUM ANALYZE")


class CPU(NamedTuple):
    """Milliseconds of one call, medians of rounds: the calls took turns, or each came over and over."""

    in_turns: float
    in_a_row: float


def measure_alternately(works: dict[str, tuple[ServerProcess, Callable[[], object]]]) -> dict[str, CPU]:
    in_turns: dict[str, list[float]] = {name: [] for name in works}
    in_a_row: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        before = {name: process.cpu_milliseconds() for name, (process, _) in works.items()}
        for _ in range(CALLS):
            for _, work in works.values():
                work()
        for name, (process, _) in works.items():
            in_turns[name].append((process.cpu_milliseconds() - before[name]) / CALLS)
        for name, (process, work) in works.items():
            started = process.cpu_milliseconds()
            for _ in range(CALLS):
                work()
            in_a_row[name].append((process.cpu_milliseconds() - started) / CALLS)
    return {name: CPU(statistics.median(in_turns[name]), statistics.median(in_a_row[name])) for name in works}


def measure_begins(url: str) -> dict[str, CPU]:
    """In two databases of the server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE begins_before")
        connection.execute("CREATE DATABASE begins_now")
    before_url, now_url = (url.rpartition("/")[0] + f"/begins_{name}" for name in ("before", "now"))
    with psycopg.connect(before_url) as connection:
        for name in migration_names():
            if name[:4] <= _LAST_BEFORE:
                connection.execute((FOLDER / name).read_bytes())
    with psycopg.connect(now_url) as connection:
        apply_migrations(connection)
    before, now = Begins(before_url, BEFORE), Begins(now_url, BEGIN)
    measured = measure_alternately(
        {
            "begin on 20 messages, before": (before.process, before.begin_one),
            "begin on 20 messages, now": (now.process, now.begin_one),
        }
    )
    before.close()
    now.close()
    return measured
