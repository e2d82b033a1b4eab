"""What a run does while its model and its tools work, and when they fail or outlive it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from session_store.errors import RunEndedError
from session_store.history import TOOL_INTERRUPTED, TURN_INTERRUPTED
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.gate import WAIT_SECONDS, Gate
from tests.reliability.processes import workers
from tests.reliability.turns import agent_of, history, hold_turn, stored_texts
from tests.reliability.workers import hold_tool_turn
from tests.support.scripted_model import ScriptedModel, UseTool
from tests.support.waiting import wait_until


@pytest.mark.parametrize("point", ["after begin", "in the first model call", "in the tool", "in the second model call"])
def test_no_transaction_and_no_connection_is_in_use_while_a_model_or_a_tool_works(
    url: str, watch: "psycopg.Connection[Any]", point: str
) -> None:
    with workers(hold_tool_turn, (url, "user-123", 30.0)) as (worker,):
        while (reached := worker.next_point()) != point:
            if isinstance(reached, str):
                worker.go_on()
        backends = watch.execute(
            "SELECT state, xact_start FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        locks = watch.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert backends
    assert set(backends) == {("idle", None)}
    assert locks == (0,)


def test_the_lease_is_renewed_while_a_tool_blocks_the_event_loop(
    repository: PostgreSQLSessionRepository, watch: "psycopg.Connection[Any]", gate: Gate
) -> None:
    def lease() -> Any:
        row = watch.execute(
            "SELECT lease_until, lease_until > clock_timestamp(), clock_timestamp() FROM sessions"
        ).fetchone()
        assert row is not None
        assert row[1], "the lease ran out"
        return row[0]

    with ThreadPoolExecutor() as pool:
        turn = pool.submit(hold_waiting_turn, repository, gate, lease_seconds=1.5)
        assert gate.reached.wait(WAIT_SECONDS)
        seen = {lease()}

        def renewed() -> bool:
            seen.add(lease())
            return len(seen) >= 6  # two leases' worth of renewals: without them it would have run out

        wait_until(renewed)
        gate.opened.set()
        turn.result(WAIT_SECONDS)
    assert stored_texts(repository) == ["Hello", "done"]


def hold_waiting_turn(repository: PostgreSQLSessionRepository, gate: Gate, **options: Any) -> None:
    with repository.run("user-123", **options) as run:
        agent_of(run.session_manager, ScriptedModel(UseTool("wait", {}), "done"), [gate.tool])("Hello")


def test_an_agent_that_outlives_its_run_calls_no_model_and_writes_nothing(
    repository: PostgreSQLSessionRepository, gate: Gate
) -> None:
    model = ScriptedModel(UseTool("wait", {}), "too late")
    with ThreadPoolExecutor() as pool:
        with pytest.raises(ZeroDivisionError), repository.run("user-123") as run:
            late = pool.submit(agent_of(run.session_manager, model, [gate.tool]), "Hello")
            assert gate.reached.wait(WAIT_SECONDS)
            raise ZeroDivisionError
        gate.opened.set()
        late.exception(WAIT_SECONDS)
    assert len(model.calls) == 1
    assert stored_texts(repository) == ["Hello", TURN_INTERRUPTED]
    assert repository.read_run(run.run_id).status == "failed"


def test_an_agent_asked_after_its_run_refuses_instead_of_forgetting(repository: PostgreSQLSessionRepository) -> None:
    model = ScriptedModel("answer", "never stored")
    with repository.run("user-123") as run:
        agent = agent_of(run.session_manager, model)
        agent("Hello")
    with pytest.raises(RunEndedError, match="has ended"):
        agent("too late")
    assert len(model.calls) == 1
    assert stored_texts(repository) == ["Hello", "answer"]


def test_a_model_that_fails_after_a_tool_leaves_a_closed_turn(repository: PostgreSQLSessionRepository) -> None:
    with pytest.raises(Exception, match="broke"):
        hold_turn(repository, "user-123", "Hello", UseTool("missing", {}), RuntimeError("broke"))
    messages = history(repository.store, "user-123")
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert stored_texts(repository) == ["Hello", TURN_INTERRUPTED]
    hold_turn(repository, "user-123", "after")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_run_is_closed_whatever_ends_its_block(
    repository: PostgreSQLSessionRepository, error: type[BaseException]
) -> None:
    with pytest.raises(error), repository.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel("said, and discarded"))("Hello")
        raise error
    assert repository.read_run(run.run_id).status == "failed"
    hold_turn(repository, "user-123", "after")
    assert stored_texts(repository) == ["after", "answer to after"]


def test_a_tool_request_that_nothing_answered_gets_an_error_result(
    repository: PostgreSQLSessionRepository, gate: Gate
) -> None:
    with ThreadPoolExecutor() as pool:
        with pytest.raises(ZeroDivisionError), repository.run("user-123") as run:
            agent = agent_of(
                run.session_manager, ScriptedModel([UseTool("wait", {}), UseTool("wait", {})]), [gate.tool]
            )
            pool.submit(agent, "Hello")
            assert gate.reached.wait(WAIT_SECONDS)
            raise ZeroDivisionError
        gate.opened.set()
    results = history(repository.store, "user-123")[2]["content"]
    assert [block["toolResult"]["status"] for block in results] == ["error"] * 2
    assert results[0]["toolResult"]["content"] == [{"text": TOOL_INTERRUPTED}]
