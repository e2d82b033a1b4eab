"""Tools' results are written while the model is called with them, and nothing of its answer is used before."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from strands import Agent, tool
from strands.hooks import AfterModelCallEvent, BeforeModelCallEvent
from strands.middleware import InvokeModelStage
from strands.plugins import Plugin
from strands.types._events import TextStreamEvent
from strands.types.events import ModelStopReason, TypedEvent
from strands.types.exceptions import EventLoopException

from session_store.errors import LeaseLostError
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.gate import WAIT_SECONDS
from tests.reliability.turns import agent_of, history, stored_texts, wait_until_blocked, work
from tests.support.scripted_model import USAGE, ScriptedModel, UseTool
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


def count_when_heard(repository: PostgreSQLSessionRepository, set_up: Callable[[Agent], None], **options: Any) -> int:
    """How many messages of a turn with a tool are stored when the first word of its answer is heard."""
    counts: list[int] = []

    def hear(**event: Any) -> None:
        if event.get("data"):
            counts.append(len(history(repository.store, "user-123")))

    with repository.run("user-123") as run:
        agent = agent_of(run.session_manager, ScriptedModel(UseTool("work", {}), "done"), [work], **options)
        agent.callback_handler = hear
        set_up(agent)
        agent("Hello")
    return counts[0]


def replace_messages(event: BeforeModelCallEvent) -> None:
    if len(event.agent.messages) > 1:
        event.agent.messages[:] = [{"role": "user", "content": [{"text": "a summary"}]}]


def remind(event: BeforeModelCallEvent) -> None:
    if len(event.agent.messages) > 1:
        event.agent.messages.append({"role": "user", "content": [{"text": "be brief"}]})


@pytest.mark.parametrize("hook", [replace_messages, remind])
def test_what_a_hook_makes_of_the_messages_leaves_the_results_to_be_stored(
    repository: PostgreSQLSessionRepository, hook: Any
) -> None:
    assert count_when_heard(repository, lambda agent: agent.add_hook(hook, BeforeModelCallEvent)) == 3


class Cache(Plugin):
    """Answers in the model's place, outside of every middleware that comes later."""

    name = "cache"

    def init_agent(self, agent: Agent) -> None:
        agent.add_middleware(InvokeModelStage, answer_from_cache)


async def answer_from_cache(context: Any, call: Any) -> AsyncIterator[TypedEvent]:
    if len(context.messages) == 1:
        async for event in call(context):
            yield event
        return
    yield TextStreamEvent({"text": "cached"}, "cached")
    message: Any = {"role": "assistant", "content": [{"text": "cached"}]}
    yield ModelStopReason(stop_reason="end_turn", message=message, usage=USAGE, metrics={"latencyMs": 0})


def test_an_answer_of_another_middleware_waits_for_the_results(repository: PostgreSQLSessionRepository) -> None:
    assert count_when_heard(repository, lambda agent: None, plugins=[Cache()]) == 3


def test_a_middleware_inside_ours_sees_no_answer_before_the_results_are_durable(
    repository: PostgreSQLSessionRepository,
) -> None:
    seen: list[int] = []

    async def gather(context: Any, call: Any) -> AsyncIterator[TypedEvent]:
        events = [event async for event in call(context)]
        seen.append(len(history(repository.store, "user-123")) if len(context.messages) > 1 else 0)
        for event in events:
            yield event

    assert count_when_heard(repository, lambda agent: agent.add_middleware(InvokeModelStage, gather)) == 3
    assert seen == [0, 3]


def raise_in_a_hook(agent: Agent) -> None:
    def stop(event: BeforeModelCallEvent) -> None:
        if len(event.agent.messages) > 1:
            raise ZeroDivisionError

    agent.add_hook(stop, BeforeModelCallEvent)


def raise_in_an_input(agent: Agent) -> None:
    def stop(context: Any) -> Any:
        return context if len(context.messages) == 1 else 1 / 0

    agent.add_middleware(InvokeModelStage.Input, stop)


@pytest.mark.parametrize("set_up", [raise_in_a_hook, raise_in_an_input])
def test_results_are_stored_where_what_comes_before_the_call_fails(
    repository: PostgreSQLSessionRepository, set_up: Callable[[Agent], None]
) -> None:
    with pytest.raises((ZeroDivisionError, EventLoopException)):
        count_when_heard(repository, set_up)
    (result,) = [block["toolResult"] for block in history(repository.store, "user-123")[2]["content"]]
    assert result["content"] == [{"text": "worked"}]


PROGRAM = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from strands import tool
from session_store import PostgreSQLSessionRepository
from tests.reliability.turns import agent_of
from tests.support.scripted_model import USAGE, ScriptedModel, UseTool

has_ended = threading.Event()

@tool
def outlive() -> str:
    "Works on when the main thread has ended."
    has_ended.set()
    with ThreadPoolExecutor(1) as pool:
        while True:
            try:
                pool.submit(time.sleep, 0.01).result()
            except RuntimeError:  # no pool takes work any more
                return "worked"

def hold() -> None:
    with PostgreSQLSessionRepository(sys.argv[1]).run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel(UseTool("outlive", {}), "done"), [outlive])("Hello")

threading.Thread(target=hold).start()
has_ended.wait()
"""


def test_a_turn_that_outlives_the_main_thread_is_stored(repository: PostgreSQLSessionRepository, url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, url], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert stored_texts(repository) == ["Hello", "done"]
