"""What a human approved runs once, however the run ends that was to do it."""

from collections.abc import Callable
from typing import Any

import pytest
from strands import Agent, tool
from strands.hooks import BeforeToolCallEvent, BeforeToolsEvent
from strands.types.tools import ToolContext

from session_store.errors import AwaitingResponseError, InterruptAnsweredError
from session_store.history import TOOL_INTERRUPTED, TURN_INTERRUPTED
from session_store.run import Run
from tests.contract.agents import Repository, agent_of, answer, break_off, lose_lease, result_texts, stored, texts
from tests.contract.bank import Bank
from tests.contract.transport import Transport
from tests.reliability.turns import assert_closed
from tests.support.scripted_model import ScriptedModel, UseTool


def ask(repository: Repository, bank: Bank, *requests: UseTool) -> list[str]:
    """A run that ends with questions; their ids."""
    with repository.run("s") as run:
        requested = list(requests) or [UseTool("transfer", {"to": "Ann"})]
        assert agent_of(run.session_manager, requested, tools=bank.tools)("pay").stop_reason == "interrupt"
    with repository.run("s") as run:
        return list(run.interrupts)


def lost(run: Run, transport: Transport) -> None:
    lose_lease(transport, run)


def cancelled(run: Run, transport: Transport) -> None:
    run.cancel()


def failing(run: Run, transport: Transport) -> None:
    """The model fails when it is told the tool's result."""


@pytest.mark.parametrize("end", [lost, cancelled, failing])
def test_an_approved_tool_runs_once_however_its_run_ends(
    repository: Repository, transport: Transport, bank: Bank, end: Callable[[Run, Transport], None]
) -> None:
    (question,) = ask(repository, bank)

    def go_on(run: Run) -> None:
        bank.then = lambda: end(run, transport)
        agent_of(run.session_manager, RuntimeError("broke"), tools=bank.tools)([answer(question)])

    break_off(repository, go_on)
    with repository.run("s") as run:
        assert run.interrupts == {}
        assert run.answered_interrupts == [question]
        with pytest.raises(InterruptAnsweredError, match="already given") as caught:
            run.check_answers([question])
        assert caught.value.answered_ids == (question,)
        model = ScriptedModel("I shall ask what became of it")
        agent_of(run.session_manager, model=model, tools=bank.tools)("and now?")
    assert bank.transfers == ["Ann"]
    expected = "transferred to Ann" if end is failing else TOOL_INTERRUPTED
    assert result_texts(model.calls[0]["messages"]) == [expected]
    assert_closed(stored(repository))
    assert texts(stored(repository)) == ["pay", TURN_INTERRUPTED, "and now?", "I shall ask what became of it"]


def test_an_answer_whose_run_ends_before_the_tool_may_come_again(repository: Repository, bank: Bank) -> None:
    (question,) = ask(repository, bank)
    break_off(repository, lambda run: agent_of(run.session_manager, tools=bank.tools) and 1 / 0)
    with repository.run("s") as run:
        assert list(run.interrupts) == [question]
        run.check_answers([question])
        agent_of(run.session_manager, "done", tools=bank.tools)([answer(question)])
    assert bank.transfers == ["Ann"]


def test_an_answered_question_costs_no_more_round_trips_than_a_tool(repository: Repository, bank: Bank) -> None:
    (question,) = ask(repository, bank)
    with repository.run("s") as run:
        agent_of(run.session_manager, "done", tools=bank.tools)([answer(question)])
    assert run.round_trips == 4


def test_results_that_the_batch_had_are_kept(repository: Repository, transport: Transport, bank: Bank) -> None:
    (question,) = ask(repository, bank, UseTool("look", {}), UseTool("transfer", {"to": "Ann"}))

    def go_on(run: Run) -> None:
        bank.then = lambda: lose_lease(transport, run)
        agent_of(run.session_manager, "never", tools=bank.tools)([answer(question)])

    break_off(repository, go_on)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, tools=bank.tools)
    assert result_texts(agent.messages) == ["seen", TOOL_INTERRUPTED]


def test_of_two_questions_the_one_without_an_answer_waits_on(
    repository: Repository, transport: Transport, bank: Bank
) -> None:
    ann, bob = ask(repository, bank, UseTool("transfer", {"to": "Ann"}), UseTool("transfer", {"to": "Bob"}))

    def go_on(run: Run) -> None:
        bank.then = lambda: lose_lease(transport, run)
        agent_of(run.session_manager, "never", tools=bank.tools)([answer(ann)])

    break_off(repository, go_on)
    bank.then = lambda: None
    with repository.run("s") as run:
        assert list(run.interrupts) == [bob]
        with pytest.raises(InterruptAnsweredError):
            run.check_answers([ann, bob])
        agent = agent_of(run.session_manager, "done", tools=bank.tools)
        agent([answer(bob)])
    assert bank.transfers == ["Ann", "Bob"]
    assert result_texts(agent.messages) == [TOOL_INTERRUPTED, "transferred to Bob"]
    assert_closed(stored(repository))


def test_a_tool_may_ask_a_second_question(repository: Repository, transport: Transport) -> None:
    effects: list[str] = []
    runs: list[Run] = []

    @tool(context=True)
    def twice(tool_context: ToolContext) -> str:
        """Ask twice."""
        effects.append(f"{tool_context.interrupt('first')} {tool_context.interrupt('second')}")
        lose_lease(transport, runs[-1])
        return "done"

    def go_on(run: Run) -> None:
        runs.append(run)
        agent_of(run.session_manager, tools=[twice])([answer(second)])

    with repository.run("s") as run:
        agent_of(run.session_manager, [UseTool("twice", {})], tools=[twice])("ask")
    with repository.run("s") as run:
        (first,) = run.interrupts
        assert agent_of(run.session_manager, tools=[twice])([answer(first)]).stop_reason == "interrupt"
    with repository.run("s") as run:
        (second,) = run.interrupts
        assert second != first
        agent = agent_of(run.session_manager, tools=[twice])
        with pytest.raises(InterruptAnsweredError):
            agent([answer(first, "no"), answer(second, "no")])
    break_off(repository, go_on)
    with repository.run("s") as run:
        assert run.interrupts == {}
        assert result_texts(agent_of(run.session_manager, tools=[twice]).messages) == [TOOL_INTERRUPTED]
    assert effects == ["yes yes"]


def test_a_prompt_that_does_not_fit_is_refused(repository: Repository, bank: Bank) -> None:
    with repository.run("s") as run:
        run.check_answers([])
        with pytest.raises(AwaitingResponseError, match="waits for no answer"):
            run.check_answers(["another"])
    (question,) = ask(repository, bank)
    with repository.run("s") as run:
        with pytest.raises(AwaitingResponseError, match="its interrupts") as caught:
            run.check_answers([])
        assert caught.value.interrupt_ids == (question,)
        with pytest.raises(AwaitingResponseError, match="other interrupts"):
            run.check_answers([question, "another"])


@pytest.mark.parametrize("event_type", [BeforeToolCallEvent, BeforeToolsEvent])
def test_what_a_hook_asked_is_not_asked_again_either(
    repository: Repository, transport: Transport, event_type: type[Any]
) -> None:
    effects: list[str] = []
    runs: list[Run] = []

    @tool
    def effect() -> str:
        """Has an effect."""
        effects.append("x")
        lose_lease(transport, runs[-1])
        return "done"

    def approve(event: Any) -> None:
        event.interrupt("approval")

    def build(run: Run, *turns: Any) -> Agent:
        agent = agent_of(run.session_manager, *turns, tools=[effect])
        agent.add_hook(approve, event_type)
        return agent

    with repository.run("s") as run:
        assert build(run, [UseTool("effect", {})])("go").stop_reason == "interrupt"

    def go_on(run: Run) -> None:
        runs.append(run)
        build(run, "never")([answer(next(iter(run.interrupts)))])

    break_off(repository, go_on)
    with repository.run("s") as run:
        assert run.interrupts == {}
        agent = build(run, "fine")
        agent("next")
    assert effects == ["x"]
    assert result_texts(agent.messages) == [TOOL_INTERRUPTED]
    assert_closed(agent.messages)
