"""Servers that are set up otherwise than PostgreSQL comes: their settings, their encoding, their isolation."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from local.database import EmbeddedDatabase
from session_store.errors import ConfigurationError, SessionBusyError
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, BegunRun, MessageRecord, RunRequest, SessionRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.turns import OWNER, history, hold_turn, texts
from tests.reliability.wire import WireProxy
from tests.support.scripted_model import UseTool

SETTINGS = [
    *("DateStyle = 'SQL, DMY'", "DateStyle = 'German'", "DateStyle = 'Postgres, MDY'"),
    *("TimeZone = 'America/St_Johns'", "TimeZone = 'Asia/Kathmandu'", "TimeZone = '<odd>-03:25'"),
    *("IntervalStyle = 'sql_standard'", "IntervalStyle = 'iso_8601'", "extra_float_digits = -3"),
    *("client_encoding = 'LATIN1'", "standard_conforming_strings = off", "bytea_output = 'escape'"),
    *("search_path = ''", "plpgsql.variable_conflict = 'error'", "plan_cache_mode = 'force_generic_plan'"),
    *("default_transaction_isolation = 'repeatable read'", "default_transaction_isolation = 'serializable'"),
]


def configure(database_url: str, setting: str) -> None:
    name, _, value = setting.partition(" = ")
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        statement = sql.SQL("ALTER DATABASE {} SET {} = ").format(database, sql.SQL(name))  # pyright: ignore[reportArgumentType]
        connection.execute(statement + sql.SQL(value))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_of_a_server_changes_what_is_stored(database_url: str, setting: str) -> None:
    configure(database_url, setting)
    store = PostgreSQLStore(StoreSettings(url=database_url))
    repository = PostgreSQLSessionRepository(store=store)
    before = datetime.now(UTC) - timedelta(seconds=1)
    for prompt in ("grüße 😀 \\ '", "日本"):
        run_id = hold_turn(repository, "user-123", prompt, UseTool("missing", {}), "answer")
    assert texts(history(store, "user-123")) == ["grüße 😀 \\ '", "answer", "日本", "answer"]
    run, session = repository.read_run(run_id), repository.list_sessions().sessions[0]
    assert run.finished_at
    moments = [datetime.fromisoformat(text) for text in (session.created_at, run.started_at, run.finished_at)]
    assert moments == sorted(moments)
    assert before < moments[0]
    assert all(text.endswith("+00:00") for text in (session.updated_at, run.started_at, run.finished_at))
    assert store.sessions.read(OWNER, "user-123") == session
    store.close()


@pytest.mark.parametrize("setting", ["DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'"])
@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-02-01T10:00:00.123456+00:00", "2026-02-01T10:00:00.123456+00:00"),
        ("2026-02-01T10:00:00.120000+05:45", "2026-02-01T04:15:00.120000+00:00"),
        ("2026-02-01T10:00:00", "2026-02-01T10:00:00+00:00"),
        ("2026-W05-7", "2026-02-01T00:00:00+00:00"),
        ("0999-02-01T10:00:00+00:00", "0999-02-01T10:00:00+00:00"),
    ],
)
def test_a_timestamp_comes_back_as_the_same_moment(database_url: str, setting: str, given: str, stored: str) -> None:
    configure(database_url, setting)
    store = PostgreSQLStore(StoreSettings(url=database_url))
    store.sessions.create(OWNER, SessionRecord("s", "AGENT", given, given))
    assert store.sessions.read(OWNER, "s") == SessionRecord("s", "AGENT", stored, stored)
    assert store.sessions.list(OWNER).sessions == [SessionRecord("s", "AGENT", stored, stored)]
    store.close()


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def foreign_url(request: pytest.FixtureRequest, postgresql_server: EmbeddedDatabase) -> Iterator[str]:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE foreign_encoding TEMPLATE template0 ENCODING '{request.param}' LOCALE 'C'"  # pyright: ignore[reportArgumentType]
        )
        yield postgresql_server.url.rpartition("/")[0] + "/foreign_encoding"
        connection.execute("DROP DATABASE foreign_encoding WITH (FORCE)")


def test_a_database_that_is_not_utf8_is_refused_in_one_sentence(foreign_url: str) -> None:
    with psycopg.connect(foreign_url) as connection, pytest.raises(ConfigurationError, match="foreign_encoding is enc"):
        apply_migrations(connection)
    store = PostgreSQLStore(StoreSettings(url=foreign_url))
    with pytest.raises(ConfigurationError, match=r"encoded in (LATIN1|SQL_ASCII); sessions need one .* UTF8"):
        store.ping()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_no_request_fails_for_the_servers_isolation(database_url: str, isolation: str) -> None:
    """Eight at once on two sessions and one key: a run begins, or is told who has the session; nothing else."""
    configure(database_url, f"default_transaction_isolation = '{isolation}'")
    barrier = threading.Barrier(8)

    def work(number: int) -> list[str]:
        store, outcomes = PostgreSQLStore(StoreSettings(url=database_url)), []
        repository = PostgreSQLSessionRepository(store=store)
        barrier.wait(30)
        for turn in range(6):
            try:
                hold_turn(repository, f"session {(number + turn) % 2}", f"{number} {turn}")
                outcomes.append("stored")
            except SessionBusyError:
                outcomes.append("busy")
        store.close()
        return outcomes

    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for outcomes in pool.map(work, range(8)) for outcome in outcomes]
    store = PostgreSQLStore(StoreSettings(url=database_url))
    stored = [texts(history(store, f"session {number}")) for number in range(2)]
    store.close()
    assert len(outcomes) == 48
    assert sum(map(len, stored)) == 2 * outcomes.count("stored")


def test_a_begin_whose_answer_cannot_be_read_gives_its_lease_back(
    wired: PostgreSQLSessionRepository, wire: WireProxy
) -> None:
    store, now = wired.store, "2026-11-22T10:00:00+00:00"
    store.sessions.create(OWNER, SessionRecord("user-123", "AGENT", now, now))
    store.agents.create(OWNER, "user-123", AgentRecord("default", "{}", "{}", "{}", now, now))
    body = '{"role":"user","content":[{"text":"grüße"}]}'
    store.messages.create(OWNER, "user-123", "default", MessageRecord(0, body, None, now, now), None)
    wire.spoil_once("grüße".encode(), b"gr\xff\xff\xff\xffe")
    run_id = os.urandom(16).hex()
    with pytest.raises(Exception, match=r"decode|utf|UTF|encoding"):
        store.runs.begin(OWNER, RunRequest("user-123", "default", run_id, 60))
    assert store.runs.read(OWNER, run_id).status == "failed"
    assert isinstance(store.runs.begin(OWNER, RunRequest("user-123", "default", os.urandom(16).hex(), 60)), BegunRun)
