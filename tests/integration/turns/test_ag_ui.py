"""A turn in AG-UI's events, as its official models take them."""

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
from turns.events import TurnFailed
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


def test_a_model_that_thinks_aloud_is_heard(turns: Turns) -> None:
    events = ask(turns, scripted([Reason(range(3)), Say("there")]))
    reasoning = ["REASONING_START", *["REASONING_CONTENT"] * 3, "REASONING_END"]
    names = [event.type.value.replace("_MESSAGE", "") for event in events]
    assert names[1:6] == reasoning
    assert texts(events) == "there"


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
    events = list(parse(ag_ui.frames(turn, lambda error: TurnFailed("model_failed", "No answer."))))
    error = EVENTS.validate_python(events[-1])
    assert isinstance(error, RunErrorEvent)
    assert (error.code, error.message) == ("model_failed", "No answer.")


@pytest.mark.parametrize("count", [1, 3])
def test_frames_are_numbered_from_one(turns: Turns, count: int) -> None:
    frames = list(ag_ui.frames(turns.begin(scripted(" ".join(["word"] * count))), explain))
    numbers = [frame.partition("\n")[0] for frame in frames if frame != ag_ui.HEARTBEAT]
    assert numbers == [f"id: {number}" for number in range(1, len(numbers) + 1)]


def kinds(events: list[Any]) -> list[str]:
    names = [event.type.value.replace("_MESSAGE", "") for event in events]
    return [name for number, name in enumerate(names) if name != "TEXT_CONTENT" or names[number - 1] != name]


def stored_ids(repository: PostgreSQLSessionRepository) -> list[str]:
    return [message.message["tracking_id"] for message in repository.list_messages("s", "default")]


def test_text_around_tool_calls_comes_in_messages_of_its_own(
    turns: Turns, repository: PostgreSQLSessionRepository
) -> None:
    around = [Say("before"), UseTool("look", {}), UseTool("look", {}), Say("after")]
    events = ask(turns, scripted(around, "done"))
    text, call = ["TEXT_START", "TEXT_CONTENT", "TEXT_END"], ["TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END"]
    results = ["TOOL_CALL_RESULT"] * 2
    assert kinds(events) == ["RUN_STARTED", *text, *call, *call, *text, *results, *text, "RUN_FINISHED"]
    ids = [event.message_id for event in events if event.type.value in ("TEXT_MESSAGE_START", "TOOL_CALL_RESULT")]
    assert len(set(ids)) == len(ids) == 5
    _, request, answers, answer = stored_ids(repository)
    assert [ids[0], ids[2], ids[4]] == [request, answers, answer]
    calls = [event for event in events if isinstance(event, ToolCallStartEvent)]
    assert {event.parent_message_id for event in calls} == {request}


def test_a_repeated_answer_has_the_id_that_its_history_has(
    turns: Turns, repository: PostgreSQLSessionRepository
) -> None:
    key = {"idempotency_key": "k", "request_hash": "h"}
    for _ in range(2):
        events = list(parse(ag_ui.frames(turns.begin(scripted("hi"), **key), explain)))
        (started,) = [event for event in events if event and event["type"] == "TEXT_MESSAGE_START"]
        assert started["messageId"] == stored_ids(repository)[-1]


def test_a_sentence_cut_into_blocks_reads_as_it_was_said(turns: Turns) -> None:
    events = ask(turns, scripted([Say("One sentence "), Say("cut "), Say("in three.")]))
    assert texts(events) == events[-1].result["response"] == "One sentence cut in three."
    assert kinds(events).count("TEXT_START") == 1


def test_a_heartbeat_is_a_comment_and_no_event() -> None:
    assert ag_ui.HEARTBEAT.startswith(":")
    assert ag_ui.HEARTBEAT.count("\n") == 1
