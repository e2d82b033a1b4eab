"""What a frontend brings to a turn."""

from typing import Any

import pytest
from strands import Agent
from strands.multiagent import GraphBuilder

from session_store.errors import AwaitingResponseError, InvalidInputError
from session_store.repository import PostgreSQLSessionRepository
from tests.integration.turns.turning import Turns, scripted
from tests.support.scripted_model import ScriptedModel, UseTool
from turns.events import StateSnapshot, TurnFinished
from turns.frontend_input import Frontend, FrontendResult, FrontendTool

CONFIRM = FrontendTool("confirm", "Ask.", {"type": "object", "properties": {}})


def answer(turns: Turns, build: Any, prompt: str, frontend: Frontend) -> Any:
    (finished,) = [
        each for each in turns.begin(build, prompt, frontend=frontend).events if isinstance(each, TurnFinished)
    ]
    return finished.answer


def test_a_graph_refuses_what_it_has_no_place_for(turns: Turns) -> None:
    def build(turn: Any) -> Any:
        builder = GraphBuilder().set_max_node_executions(9)
        builder.add_node(Agent(model=ScriptedModel("hi"), callback_handler=None), "one")
        builder.set_session_manager(turn.session_manager)
        return builder.build()

    for frontend in (Frontend(tools=[CONFIRM]), Frontend(state={"a": 1}), Frontend(context=["c"])):
        with pytest.raises(InvalidInputError, match="must be empty: the agent is a Graph"):
            turns.begin(build, frontend=frontend)
    events = list(turns.begin(build, frontend=Frontend()).events)
    assert StateSnapshot({}) in events


def test_a_state_that_grows_from_turn_to_turn_has_an_end(turns: Turns) -> None:
    answer(turns, scripted("kept"), "hello", Frontend(state={"first": "x" * 600_000}))
    with pytest.raises(InvalidInputError, match="state must take at most"):
        turns.begin(scripted("never"), "and more", frontend=Frontend(state={"second": "x" * 600_000}))
    events = list(turns.begin(scripted("goes on"), "less", frontend=Frontend(state={"first": 1})).events)
    assert StateSnapshot({"first": 1}) in events


def test_two_calls_of_the_frontends_wait_for_both_results(turns: Turns) -> None:
    build = scripted([UseTool("confirm", {}), UseTool("confirm", {})], "both are there")
    first = answer(turns, build, "hello", Frontend(tools=[CONFIRM]))
    calls = [interrupt["reason"]["tool_call_id"] for interrupt in first["interrupts"]]
    assert len(calls) == 2
    partly = answer(turns, scripted(), "", Frontend([CONFIRM], [FrontendResult(calls[0], [{"text": "yes"}])]))
    assert [each["reason"]["tool_call_id"] for each in partly["interrupts"]] == calls[1:]
    result = FrontendResult(calls[1], [{"text": "no"}])
    last = answer(turns, scripted("both are there"), "", Frontend(results=[result]))  # its tools are not named again
    assert last["response"] == "both are there"


def test_words_beside_a_question_to_a_human_do_not_answer_it(turns: Turns) -> None:
    answer(turns, scripted([UseTool("confirm", {}), UseTool("ask", {})]), "hello", Frontend(tools=[CONFIRM]))
    with pytest.raises(AwaitingResponseError):
        turns.begin(scripted("never"), "something else", frontend=Frontend(tools=[CONFIRM]))


def test_words_follow_the_result_of_a_call_that_was_left(turns: Turns, repository: PostgreSQLSessionRepository) -> None:
    answer(turns, scripted(UseTool("confirm", {})), "hello", Frontend(tools=[CONFIRM]))
    answer(turns, scripted("went on"), "something else", Frontend(tools=[CONFIRM]))
    _, _, results, last = [message.message for message in repository.list_messages("s", "default")]
    (result, words), text = results["content"], last["content"]
    assert (result["toolResult"]["status"], words) == ("error", {"text": "something else"})
    assert text == [{"text": "went on"}]
