"""What a run leaves: to the next one, to who asks again, and of what was taken back."""

import logging
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest
from strands.agent.conversation_manager import NullConversationManager, SlidingWindowConversationManager

from session_store.history import TURN_INTERRUPTED
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.processes import workers
from tests.reliability.turns import agent_of, history, hold_turn, stored_texts, texts
from tests.reliability.workers import ask_a_human, hold_interrupted_turn
from tests.support.scripted_model import REDACTED, ScriptedModel, Stop, UseTool

WAIT_SECONDS = 30


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
    results = history(repository.store, "user-123")[2]["content"]
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
    with pytest.raises(ZeroDivisionError) if end == "failed" else nullcontext(), repository.run("user-123") as run:
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
