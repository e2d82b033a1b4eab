"""What a human approved for one of several agents runs once: for a node, and for an agent that is a tool."""

from collections.abc import Callable
from typing import Any

import pytest
from strands import Agent
from strands.multiagent import GraphBuilder, Swarm

from session_store.errors import InterruptAnsweredError
from session_store.history import TOOL_INTERRUPTED
from session_store.run import Run
from tests.contract.agents import Repository, agent_of, answer, break_off, lose_lease, result_texts, stored
from tests.contract.bank import Bank
from tests.contract.transport import Transport
from tests.reliability.turns import assert_closed, assert_valid
from tests.support.scripted_model import ScriptedModel, UseTool


def graph_of(run: Run, *agents: Agent) -> Any:
    builder = GraphBuilder()
    for agent in agents:
        builder.add_node(agent, agent.name)
    builder.add_edge("first", "second")
    return builder.set_graph_id("many").set_max_node_executions(9).set_session_manager(run.session_manager).build()


def swarm_of(run: Run, *agents: Agent) -> Any:
    return Swarm(list(agents), session_manager=run.session_manager, id="many")


HAND_OFF = UseTool("handoff_to_agent", {"agent_name": "second", "message": "go on"})


@pytest.mark.parametrize(("orchestrate", "first"), [(graph_of, ["said"]), (swarm_of, [[HAND_OFF], "handed over"])])
def test_a_node_goes_on_from_an_approved_tool_without_calling_it_again(
    repository: Repository, transport: Transport, bank: Bank, orchestrate: Callable[..., Any], first: list[Any]
) -> None:
    def build(run: Run, *second: Any) -> Any:
        models = ScriptedModel(*first), ScriptedModel(*second)
        names = zip(("first", "second"), models, strict=True)
        nodes = [Agent(name=n, agent_id=n, model=m, tools=bank.tools, callback_handler=None) for n, m in names]
        return orchestrate(run, *nodes)

    with repository.run("s") as run:
        assert build(run, [UseTool("transfer", {"to": "Ann"})])("the task").status.value == "interrupted"
    questions: list[str] = []

    def go_on(run: Run) -> None:
        many = build(run, "never")
        questions.extend(run.interrupts)
        run.check_answers(questions)
        bank.then = lambda: lose_lease(transport, run)
        many([answer(question) for question in questions])

    break_off(repository, go_on)
    seen: list[Any] = []
    with repository.run("s") as run:
        many = build(run, lambda messages: [seen.extend(messages), "it may have been made"][1])
        assert run.interrupts == {}
        with pytest.raises(InterruptAnsweredError):
            run.check_answers(questions)
        assert many("go on").status.value == "completed"
    assert bank.transfers == ["Ann"]
    assert result_texts(seen) == [TOOL_INTERRUPTED]
    assert_valid([*seen, {"role": "assistant", "content": []}])


def test_an_agent_that_asks_as_another_ones_tool_is_answered_once(
    repository: Repository, transport: Transport, bank: Bank
) -> None:
    def build(run: Run, whole: list[Any], helping: list[Any]) -> Agent:
        helper = agent_of(run.session_manager, *helping, tools=bank.tools, agent_id="helper", name="helper")
        return agent_of(run.session_manager, *whole, tools=[helper.as_tool(preserve_context=True)])

    with repository.run("s") as run:
        build(run, [[UseTool("helper", {"input": "pay Ann"})]], [[UseTool("transfer", {"to": "Ann"})]])("pay")

    def go_on(run: Run) -> None:
        bank.then = lambda: lose_lease(transport, run)
        build(run, ["never"], ["never"])([answer(next(iter(run.interrupts)))])

    break_off(repository, go_on)
    bank.then = lambda: None
    with repository.run("s") as run:
        assert run.interrupts == {}
        turns = [[UseTool("helper", {"input": "what became of it?"})], "that is all"]
        agent = build(run, turns, ["it is unknown"])
        agent("and now?")
    assert bank.transfers == ["Ann"]
    assert result_texts(agent.messages) == [TOOL_INTERRUPTED, "it is unknown\n"]
    assert result_texts(stored(repository, "helper")) == [TOOL_INTERRUPTED]
    assert_closed(stored(repository, "helper"))
