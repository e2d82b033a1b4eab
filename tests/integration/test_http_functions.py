"""The functions around the conversation: what they import, what they delete, how they fail at start."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from session_store.postgresql import PostgreSQLStore, open_store
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.support.http_api import ROOT, Context, load_handler

NOW = "2026-11-22T10:00:00+00:00"


@pytest.fixture
def expire(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    monkeypatch.setenv("SESSION_TTL_DAYS", "30")
    monkeypatch.setenv("EXPIRE_BATCH_SIZE", "3")
    yield lambda remaining_seconds=300: load_handler("expire")({}, Context(remaining_seconds))
    open_store(StoreSettings(url=database_url)).close()


def add_sessions(store: PostgreSQLStore, count: int, owner: str = "iam:AIDAALICE") -> None:
    for number in range(count):
        session_id = f"s{number}"
        store.sessions.create(owner, SessionRecord(session_id, "AGENT", NOW, NOW))
        store.agents.create(owner, session_id, AgentRecord("default", "{}", "{}", "{}", NOW, NOW))
        store.messages.create(owner, session_id, "default", MessageRecord(0, '"Hello"', None, NOW, NOW), "Hello")


def age(database_url: str, table: str, column: str, days: int) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"UPDATE {table} SET {column} = {column} - interval '{days} days'")  # noqa: S608


def count(database_url: str, table: str) -> int:
    with psycopg.connect(database_url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]  # noqa: S608


def test_sessions_without_activity_go_with_all_their_rows(
    expire: Any, store: PostgreSQLStore, database_url: str
) -> None:
    add_sessions(store, 7)
    add_sessions(store, 2, owner="iam:AIDABOB")
    age(database_url, "sessions", "updated_at", 31)
    add_sessions(store, 1, owner="iam:AIDACAROL")

    assert expire() == {"sessions": 9, "runs": 0, "values": 0, "memories": 0}

    assert [count(database_url, table) for table in ("sessions", "agents", "messages")] == [1, 1, 1]
    assert expire() == {"sessions": 0, "runs": 0, "values": 0, "memories": 0}


def test_what_the_time_does_not_suffice_for_is_left_to_the_next_call(
    expire: Any, store: PostgreSQLStore, database_url: str
) -> None:
    add_sessions(store, 7)
    age(database_url, "sessions", "updated_at", 31)
    assert expire(remaining_seconds=5) == {"sessions": 3, "runs": 0, "values": 0, "memories": 0}
    assert expire() == {"sessions": 4, "runs": 0, "values": 0, "memories": 0}


def test_a_run_in_flight_is_never_cut(expire: Any, store: PostgreSQLStore, database_url: str) -> None:
    repository = PostgreSQLSessionRepository(store=store, owner="iam:AIDAALICE")
    with repository.run("busy"):
        pass
    with repository.run("busy"):
        age(database_url, "sessions", "updated_at", 31)
        age(database_url, "runs", "started_at", 31)
        assert expire() == {"sessions": 0, "runs": 1, "values": 0, "memories": 0}
    assert count(database_url, "runs") == 1
    assert store.sessions.read("iam:AIDAALICE", "busy") is not None


def test_sessions_stay_for_ever_by_default(
    expire: Any, store: PostgreSQLStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SESSION_TTL_DAYS")
    add_sessions(store, 2)
    age(database_url, "sessions", "updated_at", 3650)
    assert expire() == {"sessions": 0, "runs": 0, "values": 0, "memories": 0}
    assert count(database_url, "sessions") == 2


def test_what_was_expired_is_measured(
    expire: Any, store: PostgreSQLStore, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_sessions(store, 2)
    age(database_url, "sessions", "updated_at", 31)
    expire()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (measured,) = [line for line in lines if "_aws" in line]
    assert measured["ExpiredSessions"] == [2.0]


def run_command(**variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "api.expire"]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


def test_it_is_a_command_too_for_a_server_with_a_schedule_of_its_own(store: PostgreSQLStore, database_url: str) -> None:
    add_sessions(store, 7)
    age(database_url, "sessions", "updated_at", 31)
    ended = run_command(SESSION_BACKEND_URL=database_url, SESSION_TTL_DAYS="30", EXPIRE_BATCH_SIZE="3")
    assert json.loads(ended.stdout) == {"sessions": 7, "runs": 0, "values": 0, "memories": 0}
    assert (ended.returncode, count(database_url, "sessions")) == (0, 0)


def test_the_command_says_in_a_sentence_what_keeps_it_from_working(database_url: str) -> None:
    for words, variables in {
        "the database is not migrated": {"SESSION_BACKEND_URL": database_url, "DATABASE_SCHEMA": "empty"},
        "must begin with postgresql://": {"SESSION_BACKEND_URL": "http://localhost:8001"},
    }.items():
        ended = run_command(**variables)
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
        assert words in ended.stderr


@pytest.mark.parametrize("function", ["sessions", "session_backend", "expire"])
def test_a_function_without_an_agent_starts_without_strands_and_pydantic(function: str) -> None:
    code = f"import sys, functions.{function}.handler; print(*sys.modules)"
    result = run_python(code, SESSION_BACKEND_URL="postgresql://app@localhost/sessions")
    assert result.returncode == 0, result.stderr
    assert {"strands", "pydantic", "boto3", "agent"}.isdisjoint(result.stdout.split())


@pytest.mark.parametrize("function", ["process", "process_streaming"])
def test_a_function_with_an_agent_starts_without_what_one_agent_never_uses(function: str) -> None:
    path = ROOT / "functions" / function  # the handler imports its neighbours by their names alone, as in Lambda
    code = f"import sys; sys.path.insert(0, {str(path)!r}); import handler; print(*sys.modules)"
    result = run_python(code, SESSION_BACKEND_URL="postgresql://app@localhost/sessions", AWS_REGION="us-east-1")
    assert result.returncode == 0, result.stderr
    assert not [name for name in result.stdout.split() if name.startswith("strands.multiagent")]


@pytest.mark.parametrize("function", ["sessions", "process", "expire"])
def test_an_impossible_setting_fails_at_start_with_its_name(function: str) -> None:
    result = run_python(
        f"import functions.{function}.handler",
        SESSION_BACKEND_URL="postgresql://app@localhost/sessions",
        MAX_PAGE_SIZE="many",
    )
    assert result.returncode != 0
    assert "ConfigurationError: MAX_PAGE_SIZE must be a whole number from 1 to 1000" in result.stderr


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers/app/python")])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.defpath, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
