"""What a run refuses before it begins, and what the database refuses at its end."""

import math
from typing import Any

import psycopg
import pytest
from psycopg import sql

from session_store.errors import ConfigurationError, InvalidInputError, ModelFailedError
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.turns import agent_of, history, hold_turn, texts
from tests.support.scripted_model import ScriptedModel


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("session_id", ""), ("session_id", "x" * 256), ("agent_id", ""), ("idempotency_key", "")),
        *(("idempotency_key", "x" * 256), ("request_hash", "\0"), ("lease_seconds", 0), ("lease_seconds", -1)),
        *(("lease_seconds", math.nan), ("lease_seconds", math.inf), ("lease_seconds", 3601)),
    ],
)
def test_a_run_of_a_bad_argument_does_not_begin(
    repository: PostgreSQLSessionRepository, field: str, value: object
) -> None:
    arguments: dict[str, Any] = {"session_id": "user-123", "idempotency_key": "key", field: value}
    with pytest.raises(InvalidInputError, match=field), repository.run(**arguments):
        pass
    assert repository.list_sessions().sessions == []


def test_a_run_without_a_session_id_begins_a_session_of_its_own(repository: PostgreSQLSessionRepository) -> None:
    with repository.run() as run:
        pass
    assert [session.session_id for session in repository.list_sessions().sessions] == [run.session_id]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no model"), "misconfigured"),
        (ModelFailedError("away"), "model_failed"),
        *((kind("words"), "internal_error") for kind in (RuntimeError, KeyboardInterrupt)),
    ],
)
def test_a_run_keeps_the_code_of_what_ended_it(
    repository: PostgreSQLSessionRepository, error: BaseException, code: str
) -> None:
    with pytest.raises(type(error)), repository.run("user-123") as run:
        raise error
    assert repository.read_run(run.run_id).error_code == code


def test_a_run_whose_commit_is_refused_frees_its_session_at_once(
    repository: PostgreSQLSessionRepository, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET max_stack_depth = '100 kB'").format(name))
    deep: Any = "deep"
    for _ in range(800):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="deeper"), repository.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel("answer"))("Hello")
        run.complete({"deep": deep})
    record = repository.read_run(run.run_id)
    assert (record.status, record.error_code) == ("failed", "invalid_request")
    hold_turn(repository, "user-123", "after")
    assert texts(history(repository.store, "user-123")) == ["after", "answer to after"]
