"""A turn in AG-UI's events, as its official models take them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ag_ui.core import (
    CustomEvent,
    Event,
    RunErrorEvent,
    RunFinishedEvent,
    TextMessageContentEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
)
from pydantic import TypeAdapter
from strands.types.exceptions import ModelThrottledException

from session_store.repository import PostgreSQLSessionRepository
from tests.integration.turns.turning import BuildAgent, Turns, explain, parse, scripted
from tests.support.scripted_model import Reason, Say, Step, UseTool, WaitFor
from turns.projections import ag_ui

EVENTS: TypeAdapter[Any] = TypeAdapter(Event)


def ask(turns: Turns, build: BuildAgent) -> list[Any]:
    return [EVENTS.validate_python(event) for event in parse(ag_ui.frames(turns.begin(build), explain)) if event]


def texts(events: list[Any]) -> str:
    return "".join(event.delta for event in events if isinstance(event, TextMessageContentEvent))


def test_a_silent_model_is_bridged_by_heartbeats(turns: Turns, tmp_path: Path) -> None:
    gate, events = tmp_path / "gate", list[Any]()
    turn = turns.begin(scripted([WaitFor(gate), Say("there")]))
    for event in parse(ag_ui.frames(turn, explain, heartbeat_seconds=0.01)):
        events.append(event)
        if events.count(None) == 3:
            gate.touch()
    assert "there" in str(events)


def test_a_model_that_reasons_is_bridged_by_heartbeats_too(turns: Turns) -> None:
    heartbeats = list[None]()

    def until_third_heartbeat() -> Iterator[int]:
        while len(heartbeats) < 3:
            yield 1

    turn = turns.begin(scripted([Reason(until_third_heartbeat()), Say("there")]), pause_seconds=60)
    for event in parse(ag_ui.frames(turn, explain, heartbeat_seconds=0.05)):
        heartbeats += [None] if event is None else []
    assert len(heartbeats) >= 3


def test_an_answer_that_starts_over_names_the_beginning_to_forget(
    turns: Turns, repository: PostgreSQLSessionRepository
) -> None:
    events = ask(turns, scripted([Say("half an"), ModelThrottledException("slow down")], "a whole answer"))
    restart = next(event for event in events if isinstance(event, CustomEvent))
    before = [event for event in events[: events.index(restart)] if isinstance(event, TextMessageContentEvent)]
    assert restart.value == {"messageId": before[0].message_id}
    assert texts(events[events.index(restart) :]) == "a whole answer"
    stored = [message.message["content"] for message in repository.list_messages("s", "default")]
    assert stored == [[{"text": "hello"}], [{"text": "a whole answer"}]]


def test_a_tool_call_that_is_throttled_away_is_to_be_forgotten_too(turns: Turns) -> None:
    first: list[Step] = [UseTool("calculator", {"expression": "1+1"}), ModelThrottledException("slow down")]
    events = ask(turns, scripted(first, "no tool needed"))
    (call,) = [event for event in events if isinstance(event, ToolCallStartEvent)]
    (restart,) = [event for event in events if isinstance(event, CustomEvent)]
    assert restart.value == {"messageId": call.parent_message_id}


def test_a_tools_json_result_stays_json(turns: Turns) -> None:
    events = ask(turns, scripted(UseTool("look", {}), "seen"))
    (result,) = [event for event in events if isinstance(event, ToolCallResultEvent)]
    assert result.content == '{"seen": null, "where": "Orléans"}'


def test_a_run_that_waits_for_a_human_ends_with_its_questions(turns: Turns) -> None:
    frames = parse(ag_ui.frames(turns.begin(scripted(UseTool("ask", {}))), explain))
    finished = [event for event in frames if event][-1]
    (interrupt,) = finished["outcome"]["interrupts"]
    assert finished["outcome"]["type"] == "interrupt"
    assert (interrupt["id"], interrupt["reason"]) == (finished["result"]["interrupts"][0]["id"], "approval")
    assert interrupt["metadata"] == {"reason": {"file": "a\ud800.txt"}}
    finished["outcome"]["interrupts"][0]["metadata"] = {}
    assert isinstance(EVENTS.validate_python(finished), RunFinishedEvent)


def test_a_lone_surrogate_does_not_hide_that_the_run_is_stored(turns: Turns) -> None:
    frames = list(ag_ui.frames(turns.begin(scripted("a\ud800b")), explain))
    *events, finished = [event for event in parse(iter(frames)) if event]
    assert finished["result"]["response"] == "a\ud800b"
    assert texts([EVENTS.validate_python(event) for event in events]) == "a?b"


def test_a_failure_midway_ends_the_stream_with_an_error_in_the_services_words(turns: Turns) -> None:
    turn = turns.begin(scripted([Say("so far"), RuntimeError("secret words")]))
    events = list(parse(ag_ui.frames(turn, lambda error: ag_ui.Failure("model_failed", "No answer."))))
    error = EVENTS.validate_python(events[-1])
    assert isinstance(error, RunErrorEvent)
    assert (error.code, error.message) == ("model_failed", "No answer.")


@pytest.mark.parametrize("count", [1, 3])
def test_frames_are_numbered_from_one(turns: Turns, count: int) -> None:
    frames = list(ag_ui.frames(turns.begin(scripted(" ".join(["word"] * count))), explain))
    numbers = [frame.partition("\n")[0] for frame in frames if frame != ag_ui.HEARTBEAT]
    assert numbers == [f"id: {number}" for number in range(1, len(numbers) + 1)]
