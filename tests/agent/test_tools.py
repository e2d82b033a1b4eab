import contextlib
import math
import re
import threading
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strands import Agent
from strands.agent.state import AgentState

from agent.tools import MAX_NOTE_CHARACTERS, MAX_NOTES, TOOLS, calculator, current_time
from tests.support.scripted_model import ScriptedModel, UseTool


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("2+2", "4"),
        ("(58 - 13) * 2", "90"),
        ("90 / 6", "15"),
        ("0.1 + 0.2", "0.3"),
        ("-2 ** 2", "-4"),
        ("7 // 2", "3"),
        ("7 % 4", "3"),
        (" 1e3 ", "1000"),
        ("2 ** 100", "1267650600228229401496703205376"),
        ("1 ** 9999999", "1"),
        ("2 ** -1", "0.5"),
        ("3.0", "3"),
    ],
)
def test_calculator_computes(expression: str, result: str) -> None:
    assert calculator(expression) == result


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "not a complete expression"),
        ("2 +", "not a complete expression"),
        ("1e5e", "not a complete expression"),
        ("007", "not a complete expression"),
        ("E", "'E' is not arithmetic"),
        ("...", "not a real number"),
        ("2(3)", "multiplication with"),
        ("__import__('os')", "not '_'"),
        ("2 × 3", "not '×'"),
        ("2 ^ 3", "not '^'"),
        ("x + 1", "not 'x'"),
        ("1,000", "not ','"),
        ("1 / 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("9 ** 9 ** 9 ** 9", "too large"),
        ("9 ** 9999", "too large"),
        ("1e308 * 10", "too large"),
        ("1e999", "too large"),
        ("2 ** 4000 * 2 ** 4000", "too large"),
        ("2 ** 4000 / 3", "too large"),
        ("10.0 ** 400", "too large"),
        ("(-8) ** 0.5", "not a real number"),
        ("1" * 201, "longer than 200"),
        ("(" * 100 + "1", "not a complete expression"),
    ],
)
def test_calculator_refuses_with_a_sentence_that_says_why(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        calculator(expression)


@pytest.mark.parametrize(
    ("expression", "result"),
    [("-" * 199 + "1", "-1"), ("(" * 99 + "1" + ")" * 99, "1"), ("1" + "+1" * 99, "100"), ("1" + "**1" * 66, "1")],
)
def test_calculator_survives_the_deepest_expressions(expression: str, result: str) -> None:
    assert calculator(expression) == result


@given(st.text(alphabet="0123456789.eE+-*/%() ", max_size=40))
def test_calculator_answers_or_explains_whatever_it_is_given(expression: str) -> None:
    try:
        result = calculator(expression)
    except ValueError:
        return
    assert math.isfinite(float(result)) or len(result) > 300


def test_current_time_is_now_in_the_zone_asked_for() -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    weekday, _, stamp = current_time("Asia/Kathmandu").partition(", ")

    told = datetime.fromisoformat(stamp)
    assert before <= told <= datetime.now(UTC)
    assert told.utcoffset() == datetime.now(ZoneInfo("Asia/Kathmandu")).utcoffset()
    assert weekday == told.strftime("%A")


@pytest.mark.parametrize("timezone", ["", "Mars/Olympus", "America", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_current_time_refuses_what_is_no_zone(timezone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone name"):
        current_time(timezone)


def test_notes_are_kept_in_the_agents_state() -> None:
    agent = _agent(
        [UseTool("remember_note", {"note": "Alice likes tea."})], [UseTool("list_notes", {})], "You like tea."
    )

    agent("What do I like?")

    assert agent.state.get("notes") == ["Alice likes tea."]
    assert _tool_results(agent) == [("success", "Kept as note 1."), ("success", "1. Alice likes tea.")]


class MeetingState(AgentState):
    """A state in which two readers of the notes meet, if anything lets two in at once."""

    def __init__(self) -> None:
        super().__init__()
        self._meeting = threading.Barrier(2, timeout=0.2)

    def get(self, key: str | None = None) -> Any:
        value = super().get(key)
        with contextlib.suppress(threading.BrokenBarrierError):
            self._meeting.wait()
        return value


def test_notes_of_one_message_are_all_kept() -> None:
    notes = [f"fact {number}" for number in range(10)]
    model = ScriptedModel([UseTool("remember_note", {"note": note}) for note in notes], "Kept.")
    agent = Agent(model=model, tools=TOOLS, state=MeetingState(), callback_handler=None)

    agent("Remember these")

    assert sorted(agent.state.get("notes")) == sorted(notes)


@pytest.mark.parametrize("note", ["", "  ", "x" * (MAX_NOTE_CHARACTERS + 1)])
def test_a_note_that_cannot_be_kept_is_an_error_to_the_model(note: str) -> None:
    agent = _agent([UseTool("remember_note", {"note": note})], "Sorry.")

    agent("Remember this")

    assert _tool_results(agent) == [("error", "Error: a note has between 1 and 1000 characters")]
    assert agent.state.get("notes") is None


def test_notes_are_bounded() -> None:
    agent = _agent([UseTool("remember_note", {"note": "one more"})], "Sorry.")
    agent.state.set("notes", ["x"] * MAX_NOTES)

    agent("Remember this")

    assert _tool_results(agent)[0][0] == "error"
    assert len(agent.state.get("notes")) == MAX_NOTES


def test_every_tool_and_every_argument_is_explained_to_the_model() -> None:
    for tool in TOOLS:
        assert len(tool.tool_spec["description"]) > 20
        for name, schema in tool.tool_spec["inputSchema"]["json"]["properties"].items():
            assert schema["description"] != f"Parameter {name}"


def _agent(*turns: Any) -> Agent:
    return Agent(model=ScriptedModel(*turns), tools=TOOLS, callback_handler=None)


def _tool_results(agent: Agent) -> list[tuple[str, str]]:
    results = [
        block["toolResult"] for message in agent.messages for block in message["content"] if "toolResult" in block
    ]
    return [(result["status"], result["content"][0]["text"]) for result in results]
