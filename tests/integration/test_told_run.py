"""What the streaming route tells of a run, in this process: silences, restarts, time."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from ag_ui.core import BaseEvent, CustomEvent, TextMessageContentEvent, ToolCallResultEvent, ToolCallStartEvent
from strands import Agent, ModelRetryStrategy, tool
from strands.session.session_manager import SessionManager
from strands.types.exceptions import ModelThrottledException
from strands.types.tools import ToolContext

from functions.process_streaming.streaming_route import STARTS_OVER, frame, plain_text, told, wants_text
from session_store.errors import RunDeadlineError
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from tests.support.scripted_model import Reason, Say, ScriptedModel, Step, Turn, UseTool, WaitFor

Build = Callable[[SessionManager], Agent]


@pytest.fixture
def repository(store: PostgreSQLStore) -> PostgreSQLSessionRepository:
    return PostgreSQLSessionRepository(store=store, owner="alice")


@tool
def look() -> dict[str, Any]:
    """Look."""
    return {"status": "success", "content": [{"json": {"seen": None, "where": "Orléans"}}]}


@tool(context=True)
def ask(tool_context: ToolContext) -> str:
    """Ask."""
    return str(tool_context.interrupt("approval", reason={"file": "a\ud800.txt"}))


def scripted(*turns: Turn) -> Build:
    return lambda session_manager: Agent(
        model=ScriptedModel(*turns),
        tools=[look, ask],
        session_manager=session_manager,
        retry_strategy=ModelRetryStrategy(initial_delay=0),
        callback_handler=None,
    )


def texts(events: list[BaseEvent | None]) -> list[str]:
    return [event.delta for event in events if isinstance(event, TextMessageContentEvent)]


def test_silent_model_is_bridged_by_heartbeats(repository: PostgreSQLSessionRepository, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    told_so_far: list[BaseEvent | None] = []
    build = scripted([WaitFor(gate), Say("there")])
    for event in told(repository.run("s"), "hello", 30, heartbeat_seconds=0.01, build=build):
        told_so_far.append(event)
        if told_so_far.count(None) == 3:
            gate.touch()
    assert texts(told_so_far) == ["there"]


def test_model_that_reasons_is_bridged_by_heartbeats_too(repository: PostgreSQLSessionRepository) -> None:
    told_so_far: list[BaseEvent | None] = []
    until_third_heartbeat = iter(lambda: None if told_so_far.count(None) < 3 else "enough", "enough")
    build = scripted([Reason(until_third_heartbeat), Say("there")])
    for event in told(repository.run("s"), "hello", 5, heartbeat_seconds=0.05, build=build):
        told_so_far.append(event)
    assert texts(told_so_far) == ["there"]


def test_answer_that_starts_over_tells_to_forget_its_beginning(repository: PostgreSQLSessionRepository) -> None:
    def build(session_manager: SessionManager) -> Agent:
        return scripted([Say("half an"), ModelThrottledException("slow down")], "a whole answer")(session_manager)

    events = list(told(repository.run("s"), "hello", 30, build=build))
    restart = next(event for event in events if isinstance(event, CustomEvent))
    before = [event for event in events[: events.index(restart)] if isinstance(event, TextMessageContentEvent)]
    assert restart.value == {"messageId": before[0].message_id}
    after = events[events.index(restart) :]
    assert "".join(texts(after)) == "a whole answer"
    assert "".join(plain_text(iter(events))) == f"half an{STARTS_OVER}a whole answer"
    assert [message.message["content"] for message in repository.list_messages("s", "default")] == [
        [{"text": "hello"}],
        [{"text": "a whole answer"}],
    ]


def test_tool_call_that_is_throttled_away_is_to_be_forgotten_too(repository: PostgreSQLSessionRepository) -> None:
    first: list[Step] = [UseTool("calculator", {"expression": "1+1"}), ModelThrottledException("slow down")]
    events = list(told(repository.run("s"), "hello", 30, build=scripted(first, "no tool needed")))
    (call,) = [event for event in events if isinstance(event, ToolCallStartEvent)]
    (restart,) = [event for event in events if isinstance(event, CustomEvent)]
    assert restart.value == {"messageId": call.parent_message_id}


def test_result_of_a_tool_that_is_json_is_told_as_json(repository: PostgreSQLSessionRepository) -> None:
    events = list(told(repository.run("s"), "hello", 30, build=scripted(UseTool("look", {}), "seen")))
    (result,) = [event for event in events if isinstance(event, ToolCallResultEvent)]
    assert result.content == '{"seen": null, "where": "Orléans"}'


def test_run_that_waits_for_a_human_is_told_with_its_questions(repository: PostgreSQLSessionRepository) -> None:
    events = list(told(repository.run("s"), "hello", 30, build=scripted(UseTool("ask", {}))))
    finished = json.loads(frame(1, cast(BaseEvent, events[-1])).partition("data: ")[2])
    (interrupt,) = finished["outcome"]["interrupts"]
    assert finished["outcome"]["type"] == "interrupt"
    assert (interrupt["id"], interrupt["reason"]) == (finished["result"]["interrupts"][0]["id"], "approval")
    assert interrupt["metadata"] == {"reason": {"file": "a\ud800.txt"}}


def test_lone_surrogate_in_an_answer_does_not_hide_that_the_run_is_stored(
    repository: PostgreSQLSessionRepository,
) -> None:
    events = list(told(repository.run("s"), "hello", 30, build=scripted("a\ud800b")))
    frames = [frame(number, event) for number, event in enumerate(events) if event]
    assert json.loads(frames[-1].partition("data: ")[2])["result"]["response"] == "a\ud800b"
    assert "".join(texts(events)) == "a?b"


def test_bare_text_of_several_messages_does_not_run_together(repository: PostgreSQLSessionRepository) -> None:
    turns: list[Turn] = [[Say("I look."), UseTool("look", {})], UseTool("look", {}), "I saw."]
    assert "".join(plain_text(told(repository.run("s"), "hello", 30, build=scripted(*turns)))) == "I look.\n\nI saw."


def test_bare_text_does_not_speak_of_a_restart_of_what_it_never_showed(
    repository: PostgreSQLSessionRepository,
) -> None:
    first: list[Step] = [UseTool("look", {}), ModelThrottledException("slow down")]
    assert "".join(plain_text(told(repository.run("s"), "hello", 30, build=scripted(first, "here")))) == "here"


def test_run_out_of_time_is_closed_and_its_session_free(
    repository: PostgreSQLSessionRepository, tmp_path: Path
) -> None:
    late = repository.run("s")
    with pytest.raises(RunDeadlineError):
        list(told(late, "hello", 0.2, build=scripted([WaitFor(tmp_path / "never")])))
    assert repository.read_run(late.run_id).error_code == "run_deadline"
    assert texts(list(told(repository.run("s"), "hello", 30, build=scripted("again")))) == ["again"]


def test_slow_listener_keeps_no_agent_at_work_beyond_its_time(
    repository: PostgreSQLSessionRepository, tmp_path: Path
) -> None:
    gate, deadline_seconds = tmp_path / "gate", 1.0
    build = scripted([Say("one two three"), WaitFor(gate), Say("four")])
    events = told(repository.run("s"), "hello", deadline_seconds, build=build)
    next(events)
    time.sleep(deadline_seconds)
    with pytest.raises(RunDeadlineError):
        next(events)


def test_slow_listener_gets_what_was_done_in_time(repository: PostgreSQLSessionRepository) -> None:
    deadline_seconds = 1.0
    events = told(repository.run("s"), "hello", deadline_seconds, build=scripted("in time"))
    told_so_far = [next(events)]
    time.sleep(deadline_seconds)
    assert "".join(texts([*told_so_far, *events])) == "in time"


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        (None, False),
        ("*/*", False),
        ("text/plain", True),
        ("Text/Plain; q=0.9", True),
        ("text/plain, text/event-stream", False),
    ],
)
def test_bare_text_is_for_those_alone_who_ask_for_nothing_else(accept: str | None, text: bool) -> None:
    assert wants_text(accept) is text
