"""What a run does while its model and its tools work, and when they fail, hang, wait for a human or are called off."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager, SlidingWindowConversationManager
from strands.session.session_manager import SessionManager

from agent.turn import Answer, stream
from session_store.errors import (
    LeaseLostError,
    ModelFailedError,
    RunCancelledError,
    RunDeadlineError,
)
from session_store.history import TOOL_INTERRUPTED, TURN_INTERRUPTED
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from tests.proof.processes import workers
from tests.proof.turns import agent_of, assert_closed, history, hold_turn, texts
from tests.proof.workers import ask_a_human, hold_interrupted_turn, hold_tool_turn
from tests.scripted_model import REDACTED, ScriptedModel, Stop, UseTool
from tests.waiting import wait_until

WAIT_SECONDS = 30


@pytest.fixture
def watch(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


class Gate:
    """A tool that blocks its thread, or the event loop, until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

        @tool(name="wait")
        async def wait() -> str:
            """Waits, and blocks the event loop for it."""
            self.reached.set()
            assert self.opened.wait(WAIT_SECONDS)
            return "waited"

        self.tool = wait


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


def stored_texts(repository: PostgreSQLSessionRepository, session_id: str = "user-123") -> list[str]:
    messages = history(repository._store, session_id)
    assert_closed(messages)
    return texts(messages)


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


def builder(model: ScriptedModel, *tools: Any) -> Callable[[SessionManager], Agent]:
    return lambda session_manager: agent_of(session_manager, model, tools)


@contextmanager
def threads_joined() -> Iterator[None]:
    """Whatever thread the block leaves behind has ended after it."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def test_at_its_deadline_a_run_fails_and_what_its_tool_does_later_goes_nowhere(
    repository: PostgreSQLSessionRepository, gate: Gate
) -> None:
    hold_turn(repository, "user-123", "before")
    model = ScriptedModel(UseTool("wait", {}), "too late")
    with threads_joined():
        with pytest.raises(RunDeadlineError), repository.run("user-123") as run:
            list(stream(run, "Hello", deadline_seconds=0.5, build=builder(model, gate.tool)))
        assert gate.reached.is_set()
        closed = stored_texts(repository)
        assert closed == ["before", "answer to before", "Hello", TURN_INTERRUPTED]
        record = repository.read_run(run.run_id)
        assert (record.status, record.error_code) == ("failed", "run_deadline")
        hold_turn(repository, "user-123", "after")  # at once: nothing waits for the tool
        gate.opened.set()
    assert stored_texts(repository) == [*closed, "after", "answer to after"]
    assert len(model.calls) == 1


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
    with pytest.raises(LeaseLostError, match="it has ended"):
        agent("too late")
    assert len(model.calls) == 1
    assert stored_texts(repository) == ["Hello", "answer"]


def test_a_run_called_off_ends_at_its_next_renewal(repository: PostgreSQLSessionRepository, gate: Gate) -> None:
    model = ScriptedModel(UseTool("wait", {}), "never said")
    with ThreadPoolExecutor() as pool:
        run = repository.run("user-123", lease_seconds=0.9)
        turn = pool.submit(answer_within, run, model, gate)
        assert gate.reached.wait(WAIT_SECONDS)
        assert repository.cancel_run(run.run_id).cancel_requested
        wait_until(lambda: run.is_cancelled)
        gate.opened.set()
        with pytest.raises(RunCancelledError):
            turn.result(WAIT_SECONDS)
    assert len(model.calls) == 1
    assert stored_texts(repository)[-1] == TURN_INTERRUPTED
    record = repository.read_run(run.run_id)
    assert (record.status, record.error_code) == ("cancelled", "run_cancelled")


def answer_within(run: Run, model: ScriptedModel, gate: Gate) -> Answer:
    with run:
        for event in stream(run, "Hello", WAIT_SECONDS, build=builder(model, gate.tool)):
            if isinstance(event, Answer):
                return event
    raise AssertionError("no answer")


def test_a_run_called_off_ends_at_its_next_write(repository: PostgreSQLSessionRepository) -> None:
    def call_off(messages: Any) -> Any:
        repository.cancel_run(run.run_id)
        return UseTool("work", {})

    @tool
    def work() -> str:
        """Works."""
        worked.append(1)
        return "worked"

    worked: list[int] = []
    run = repository.run("user-123")
    with pytest.raises(RunCancelledError), run:
        list(stream(run, "Hello", WAIT_SECONDS, build=builder(ScriptedModel(call_off, "never said"), work)))
    assert worked == []
    assert stored_texts(repository) == ["Hello", TURN_INTERRUPTED]
    assert repository.read_run(run.run_id).status == "cancelled"


def test_a_run_that_lost_its_lease_says_so_and_not_that_it_was_called_off(
    repository: PostgreSQLSessionRepository, gate: Gate
) -> None:
    run = repository.run("user-123", lease_seconds=0.9)
    with ThreadPoolExecutor() as pool:
        turn = pool.submit(answer_within, run, ScriptedModel(UseTool("wait", {}), "never said"), gate)
        assert gate.reached.wait(WAIT_SECONDS)
        repository.delete_session("user-123")
        wait_until(lambda: isinstance(run.end_reason, LeaseLostError))
        gate.opened.set()
        with pytest.raises(LeaseLostError, match="the session was deleted"):
            turn.result(WAIT_SECONDS)
    assert repository.read_session("user-123") is None


def test_a_failed_model_leaves_nothing_of_a_plain_turn(repository: PostgreSQLSessionRepository) -> None:
    hold_turn(repository, "user-123", "before")
    with pytest.raises(ModelFailedError), repository.run("user-123") as run:
        list(stream(run, "Hello", WAIT_SECONDS, build=builder(ScriptedModel(["half an", RuntimeError("broke")]))))
    assert stored_texts(repository) == ["before", "answer to before"]
    record = repository.read_run(run.run_id)
    assert (record.status, record.error_code) == ("failed", "model_failed")
    hold_turn(repository, "user-123", "after")


def test_a_model_that_fails_after_a_tool_leaves_a_closed_turn(repository: PostgreSQLSessionRepository) -> None:
    with pytest.raises(Exception, match="broke"):
        hold_turn(repository, "user-123", "Hello", UseTool("missing", {}), RuntimeError("broke"))
    messages = history(repository._store, "user-123")
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
    results = history(repository._store, "user-123")[2]["content"]
    assert [block["toolResult"]["status"] for block in results] == ["error"] * 2
    assert results[0]["toolResult"]["content"] == [{"text": TOOL_INTERRUPTED}]


def test_another_conversation_manager_restores_everything_and_a_warning_says_so(
    repository: PostgreSQLSessionRepository, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        with repository.run("user-123") as run:
            window = SlidingWindowConversationManager(window_size=2)
            agent_of(run.session_manager, ScriptedModel("answer"), conversation_manager=window)(f"turn {number}")
    assert caplog.records == []
    with caplog.at_level(logging.WARNING), repository.run("user-123") as run:
        assert run.restored_message_count == 2
        agent = agent_of(run.session_manager, ScriptedModel("answer"), conversation_manager=NullConversationManager())
        assert [text for text in texts(agent.messages) if text != "answer"] == [f"turn {number}" for number in range(4)]
        agent("turn 4")
    assert [record.levelname for record in caplog.records if "conversation manager changed" in record.message]
    assert stored_texts(repository)[::2] == [f"turn {number}" for number in range(5)]
    caplog.clear()
    hold_turn(repository, "user-123", "turn 5")
    assert caplog.records == []


def test_an_interrupt_is_answered_in_another_process(repository: PostgreSQLSessionRepository, url: str) -> None:
    with workers(hold_interrupted_turn, (url, "user-123")) as (worker,):
        stopped, interrupt_ids = worker.next_point()
        worker.join()
    assert stopped == "interrupt"
    with repository.run("user-123") as run:
        assert list(run.interrupts) == interrupt_ids
        response = {"interruptResponse": {"interruptId": interrupt_ids[0], "response": "yes"}}
        agent = agent_of(run.session_manager, ScriptedModel("it is done"), [ask_a_human])
        assert agent([response]).stop_reason == "end_turn"  # type: ignore[list-item]
    assert stored_texts(repository) == ["Hello", "it is done"]
    results = history(repository._store, "user-123")[2]["content"]
    assert results[0]["toolResult"]["content"] == [{"text": "a human says yes"}]
    with repository.run("user-123") as run:
        assert run.interrupts == {}


def test_an_answered_interrupt_whose_model_fails_waits_for_no_second_answer(
    repository: PostgreSQLSessionRepository, url: str
) -> None:
    with workers(hold_interrupted_turn, (url, "user-123")) as (worker,):
        _, interrupt_ids = worker.next_point()
        worker.join()
    response = {"interruptResponse": {"interruptId": interrupt_ids[0], "response": "yes"}}
    with pytest.raises(Exception, match="broke"), repository.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel(RuntimeError("broke")), [ask_a_human])([response])  # type: ignore[list-item]
    with repository.run("user-123") as run:
        assert run.interrupts == {}
        agent_of(run.session_manager, ScriptedModel("answer"), [ask_a_human])("after")
    assert stored_texts(repository) == ["Hello", TURN_INTERRUPTED, "after", "answer"]


def test_a_key_that_comes_again_gets_its_answer_without_a_model_call(repository: PostgreSQLSessionRepository) -> None:
    key = {"idempotency_key": "key", "request_hash": "hash"}
    with repository.run("user-123", **key) as first:
        agent_of(first.session_manager, ScriptedModel("answer"))("Hello")
        first.complete({"response": "answer", "nul": "\0"})
    with repository.run("another", **key) as again:
        assert again.stored is not None
        assert (again.run_id, again.session_id) == (first.run_id, "user-123")
        assert again.stored.result == '{"response":"answer","nul":"\\u0000"}'
        assert again.stored.answer is not None
        with pytest.raises(RuntimeError, match="already stored"):
            _ = again.session_manager
    assert stored_texts(repository) == ["Hello", "answer"]
    assert [session.session_id for session in repository.list_sessions().sessions] == ["user-123"]


def test_an_agents_answer_is_its_runs_answer(repository: PostgreSQLSessionRepository) -> None:
    stored = repository.read_run(hold_turn(repository, "user-123", "Hello", "the answer"))
    assert '"the answer"' in (stored.answer or "")


def everything_stored(watch: "psycopg.Connection[Any]") -> str:
    tables = ["sessions", "agents", "messages", "multi_agents", "runs"]
    rows = [watch.execute(f"SELECT row_to_json(t)::text FROM {table} t").fetchall() for table in tables]  # type: ignore[arg-type]  # noqa: S608
    return str(rows)


def test_what_a_guardrail_takes_back_during_a_run_is_in_no_row(
    repository: PostgreSQLSessionRepository, watch: "psycopg.Connection[Any]"
) -> None:
    hold_turn(repository, "user-123", "my secret", Stop("guardrail_intervened"))
    assert stored_texts(repository)[0] == REDACTED
    assert "my secret" not in everything_stored(watch)
    assert repository.list_sessions().sessions[0].preview == REDACTED


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_what_was_durable_before_it_was_taken_back_is_gone_however_the_run_ends(
    repository: PostgreSQLSessionRepository, watch: "psycopg.Connection[Any]", end: str
) -> None:
    with pytest.raises(ZeroDivisionError) if end == "failed" else threads_joined(), repository.run("user-123") as run:
        agent = agent_of(run.session_manager, ScriptedModel(UseTool("missing", {}), "answer"))
        agent("my secret")
        assert "my secret" in everything_stored(watch)
        secret = next(message for message in run.session_manager._held_records["default"] if message.message_id == 0)
        secret.redact_message = {"role": "user", "content": [{"text": REDACTED}]}
        run.session_manager.session_repository.update_message("user-123", "default", secret)
        if end == "failed":
            raise ZeroDivisionError
    assert stored_texts(repository)[0] == REDACTED
    assert "my secret" not in everything_stored(watch)


def test_a_redacted_answer_is_gone_from_the_run_too(
    repository: PostgreSQLSessionRepository, watch: "psycopg.Connection[Any]"
) -> None:
    run_id = hold_turn(repository, "user-123", "Hello", "my secret")
    message = repository.read_message("user-123", "default", 1)
    assert message is not None
    message.redact_message = {"role": "assistant", "content": [{"text": REDACTED}]}
    repository.update_message("user-123", "default", message)
    assert "my secret" not in everything_stored(watch)
    assert REDACTED in (repository.read_run(run_id).answer or "")
