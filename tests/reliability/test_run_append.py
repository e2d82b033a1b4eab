"""The usual write stores what the general one does."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg.errors import ExclusionViolation, ForeignKeyViolation, UniqueViolation

from session_store._statement_names import StatementNames
from session_store.connection import Statement
from session_store.postgresql import PostgreSQLStore
from session_store.postgresql.message_words import MessageWords
from session_store.postgresql.run_append import APPEND, dump_append, is_append
from session_store.postgresql.run_write import choose_statement, dump_parameters
from session_store.records import AgentMessage, AgentRecord, MessageRecord, RunOutcome, RunRequest, RunWrite
from session_store.settings import StoreSettings
from tests.reliability.begins import begin, request
from tests.reliability.turns import OWNER

NOW, LATER = "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+00:00"
NEW = AgentRecord("default", '{"n":0}', '{"m":0}', "{}", NOW, NOW)
CHANGED = AgentRecord("default", '{"n":1}', '{"m":1}', '{"i":1}', NOW, LATER, 1)
SAME_STATE = CHANGED._replace(state='{"n":0}')
COMPLETED = RunOutcome("completed", '{"stop":"end"}', 3, None, 5, 7, '{"steps":[]}')
FAILED = RunOutcome("failed", error_code="timeout")

Write = Callable[["psycopg.Connection[Any]", RunWrite], list[Any]]


def message(number: int, text: str = "Hello") -> AgentMessage:
    body = f'{{"role":"user","content":[{{"text":"{text} \\\\u0000 \\"{number}\\""}}]}}'
    return AgentMessage("default", MessageRecord(number, body, None, NOW, LATER))


def execute(connection: "psycopg.Connection[Any]", statement: Statement, parameters: dict[str, Any]) -> list[Any]:
    return connection.execute(StatementNames(None).fill(statement), parameters).fetchall()


def append(connection: "psycopg.Connection[Any]", write: RunWrite) -> list[Any]:
    rows = execute(connection, APPEND, dump_append(OWNER, write))
    return [row[0] for row in rows if row[0] is not None]


def write_run(connection: "psycopg.Connection[Any]", write: RunWrite) -> list[Any]:
    parameters = dump_parameters(OWNER, write, MessageWords(StoreSettings()))
    return [row[0] for row in execute(connection, choose_statement(write), parameters)]


def writes(run: RunRequest) -> RunWrite:
    return RunWrite(run.session_id, run.run_id, run.lease_seconds)


def first_turn(run: RunRequest) -> list[RunWrite]:
    """An agent's first messages, and its second two with the end of the run."""
    empty = writes(run)
    return [
        empty._replace(number=1, created_agents=[NEW], messages=[message(0), message(1)], preview="Hello"),
        empty._replace(number=2, updated_agents=[SAME_STATE], messages=[message(2), message(3)], outcome=COMPLETED),
    ]


def changed_turn(run: RunRequest) -> list[RunWrite]:
    return [writes(run)._replace(number=1, updated_agents=[CHANGED], messages=[message(4)], outcome=COMPLETED)]


def unchanged_turn(run: RunRequest) -> list[RunWrite]:
    """Its messages alone, of a client that does not number its writes."""
    return [writes(run)._replace(messages=[message(5), message(6)], outcome=COMPLETED)]


def closed_turn(run: RunRequest) -> list[RunWrite]:
    """What closes a failed run finds its place taken by other messages."""
    return [writes(run)._replace(number=1, updated_agents=[CHANGED], messages=[message(5, "x")], outcome=FAILED)]


TURNS = [first_turn, changed_turn, unchanged_turn, closed_turn]


def facts(connection: "psycopg.Connection[Any]") -> list[Any]:
    """All that is stored, but keys and this server's times."""
    return connection.execute(
        """
        SELECT (SELECT to_jsonb(s) - '{session_key,created_at,updated_at,lease_until,run_id}'::text[]
                       || jsonb_build_object('is_held', s.run_id IS NOT NULL) FROM sessions s),
               ARRAY(SELECT to_jsonb(a) - 'session_key' FROM agents a),
               ARRAY(SELECT to_jsonb(m) - 'session_key' || jsonb_build_object('body', m.message::text)
                     FROM messages m ORDER BY m.message_id),
               ARRAY(SELECT to_jsonb(r) - '{session_key,run_id,started_at,finished_at}'::text[]
                            || jsonb_build_object('has_ended', r.finished_at IS NOT NULL)
                     FROM runs r ORDER BY r.started_at),
               ARRAY(SELECT to_jsonb(u) - 'day' FROM usage u)
        """
    ).fetchall()


def hold(database_url: str, write: Write) -> list[Any]:
    """What is stored after each write of the turns."""
    stored: list[Any] = []
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        closing(PostgreSQLStore(StoreSettings(url=database_url))) as store,
    ):
        for turn in TURNS:
            run = request()
            begin(store, run)
            for each in turn(run):
                assert is_append(each)
                stored += [write(connection, each), facts(connection)]
        connection.execute("DELETE FROM sessions")
        connection.execute("DELETE FROM usage")
    return stored


def test_every_write_stores_the_same(database_url: str) -> None:
    appended = hold(database_url, append)
    assert len(appended) == 10
    assert appended == hold(database_url, write_run)


def test_a_write_that_takes_something_away_is_another() -> None:
    usual = first_turn(request())[0]
    assert is_append(usual)
    for other in ({"redacted_preview": ""}, {"title": ""}, {"redactions": [message(0)]}, {"messages": []}):
        assert not is_append(usual._replace(**other))


@pytest.mark.parametrize("write", [append, write_run])
def test_what_cannot_follow_is_refused_whole(database_url: str, write: Write) -> None:
    run = request()
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        closing(PostgreSQLStore(StoreSettings(url=database_url))) as store,
    ):
        begin(store, run)
        first, last = first_turn(run)
        assert write(connection, first) == [False]
        stored = facts(connection)
        refusals = {
            ExclusionViolation: first,
            UniqueViolation: last._replace(messages=[message(1, "other")]),
            ForeignKeyViolation: last._replace(messages=[message(9)]),
        }
        for error, refused in refusals.items():
            with pytest.raises(error):
                write(connection, refused)
            assert facts(connection) == stored
        with pytest.raises(ForeignKeyViolation):
            write(connection, last._replace(messages=[AgentMessage("unknown", message(0).record)], updated_agents=[]))
        store.runs.request_cancel(OWNER, run.run_id)
        assert write(connection, last) == [True]
        assert write(connection, last._replace(number=3)) == []
