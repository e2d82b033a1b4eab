"""Tools' results are written while the model is called with them, and nothing of its answer is used before."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from strands import Agent, tool
from strands.hooks import AfterModelCallEvent, BeforeModelCallEvent

from session_store.errors import LeaseLostError
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.gate import WAIT_SECONDS
from tests.reliability.turns import agent_of, history, stored_texts, wait_until_blocked, work
from tests.support.scripted_model import ScriptedModel, UseTool
from tests.support.waiting import wait_until


def test_an_answer_is_held_back_until_the_results_before_it_are_durable(
    repository: PostgreSQLSessionRepository, watch: "psycopg.Connection[Any]"
) -> None:
    @tool
    def lock() -> str:
        """Keeps the run from writing."""
        watch.execute("BEGIN")
        watch.execute("SELECT FROM sessions FOR UPDATE")
        return "locked"

    model, heard = ScriptedModel(UseTool("lock", {}), "done"), list[str]()

    def hold() -> None:
        with repository.run("user-123") as run:
            agent = agent_of(run.session_manager, model, [lock])
            agent.callback_handler = lambda **event: heard.append(event.get("data", ""))
            agent("Hello")

    with ThreadPoolExecutor() as pool:
        turn = pool.submit(hold)
        wait_until(lambda: len(model.calls) == 2)
        wait_until_blocked(watch)
        assert "".join(heard) == ""
        watch.execute("ROLLBACK")
        turn.result(WAIT_SECONDS)
    assert "".join(heard) == "done"
    assert stored_texts(repository) == ["Hello", "done"]


def test_an_answer_is_dropped_where_the_results_before_it_cannot_be_stored(
    repository: PostgreSQLSessionRepository,
) -> None:
    uses: list[str] = []

    @tool
    def use() -> str:
        """Takes the session away, for the write that follows to fail."""
        uses.append("used")
        repository.delete_session("user-123")
        return "used"

    model, heard = ScriptedModel(UseTool("use", {}), [UseTool("use", {})], "never"), list[str]()
    with pytest.raises(LeaseLostError), repository.run("user-123") as run:
        agent = agent_of(run.session_manager, model, [use])
        agent.callback_handler = lambda **event: heard.append(str(event.get("current_tool_use", "")))
        agent("Hello")
    assert uses == ["used"]
    assert not [text for text in heard if "tool-3-1" in text], "of the second answer"


def test_an_answer_that_a_hook_gives_for_the_model_waits_for_the_results_too(
    repository: PostgreSQLSessionRepository,
) -> None:
    stored: list[int] = []

    def refuse(event: BeforeModelCallEvent) -> None:
        event.cancel = "no more" if len(event.agent.messages) > 1 else False

    def look(event: AfterModelCallEvent) -> None:
        stored.append(len(history(repository.store, "user-123")) if len(event.agent.messages) > 1 else 0)

    with repository.run("user-123") as run:
        agent: Agent = agent_of(run.session_manager, ScriptedModel(UseTool("work", {})), [work])
        agent.add_hook(refuse, BeforeModelCallEvent)
        agent.add_hook(look, AfterModelCallEvent)
        agent("Hello")
    assert stored == [0, 3]
    assert stored_texts(repository) == ["Hello", "no more"]
