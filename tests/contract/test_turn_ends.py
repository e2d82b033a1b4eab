"""How a turn ended is known from its run: a turn that ended by itself was not interrupted."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from strands import Agent, tool
from strands.bidi import BidiAgent
from strands.bidi.models.model import BidiModel
from strands.multiagent import Swarm
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType
from strands.types.tools import ToolContext

from session_store.errors import RunEndedError
from session_store.history import TOOL_INTERRUPTED, TURN_ENDED, TURN_INTERRUPTED
from session_store.run import Run
from tests.contract.agents import (
    Repository,
    agent_of,
    answer,
    break_off,
    lose_lease,
    result_texts,
    stored,
    texts,
)
from tests.contract.transport import Transport
from tests.reliability.turns import assert_closed, assert_valid
from tests.support.scripted_model import ScriptedModel, UseTool


class Person(BaseModel):
    name: str


@tool(context=True)
def stop(tool_context: ToolContext) -> str:
    """Stop."""
    tool_context.agent.cancel(after_current_tools=True)
    return "stopped"


@tool
def look() -> str:
    """Look."""
    return "seen"


def structured(run: Run) -> Agent:
    agent = agent_of(run.session_manager, [UseTool("Person", {"name": "Ann"})])
    assert agent("who?", structured_output_model=Person).structured_output == Person(name="Ann")
    return agent


def stopped_by_a_tool(run: Run) -> Agent:
    agent = agent_of(run.session_manager, [UseTool("stop", {})], tools=[stop])
    assert agent("who?").stop_reason == "cancelled"
    return agent


def limited(run: Run) -> Agent:
    agent = agent_of(run.session_manager, [UseTool("look", {})], tools=[look])
    assert agent("who?", limits={"turns": 1}).stop_reason == "limit_turns"
    return agent


def failed_and_forgiven(run: Run) -> Agent:
    """The application catches the model's error, and lets the run commit."""
    agent = agent_of(run.session_manager, RuntimeError("broke"))
    with pytest.raises(RuntimeError, match="broke"):
        agent("who?")
    return agent


@pytest.mark.parametrize("hold_turn", [structured, stopped_by_a_tool, limited, failed_and_forgiven])
def test_a_turn_that_ends_without_words_was_not_interrupted(
    repository: Repository, hold_turn: Callable[[Run], Agent]
) -> None:
    with repository.run("s") as run:
        held = list(hold_turn(run).messages)
    model = ScriptedModel("fine", "fine")
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, model=model, tools=[look, stop])
        assert agent.messages == held
        agent("next")
    seen = model.calls[0]["messages"]
    assert_valid([*seen, {"role": "assistant", "content": []}])
    assert texts(seen)[-2:] == [TURN_ENDED, "next"]
    assert TURN_INTERRUPTED not in json.dumps(stored(repository))
    assert all(message.get("tracking_id") for message in stored(repository))
    assert stored(repository) == agent.messages


def test_what_a_run_writes_by_itself_can_be_tracked(repository: Repository, transport: Transport) -> None:
    hold_broken_turn(repository, transport, "default")
    with repository.run("s") as run:
        agent_of(run.session_manager)
    closed = stored(repository)
    assert (result_texts(closed), texts(closed)) == ([TOOL_INTERRUPTED], ["go", TURN_INTERRUPTED])
    assert len({message["tracking_id"] for message in closed}) == len(closed)


def hold_broken_turn(repository: Repository, transport: Transport, agent_id: str) -> None:
    """A turn whose process is lost within its tool."""

    def go(run: Run) -> None:
        @tool
        def die() -> str:
            """Die."""
            lose_lease(transport, run)
            return "never told"

        if agent_id != "default":
            agent_of(run.session_manager)
        agent_of(run.session_manager, [UseTool("die", {})], tools=[die], agent_id=agent_id)("go")

    break_off(repository, go)


def test_any_agent_of_a_run_that_broke_off_is_closed(repository: Repository, transport: Transport) -> None:
    hold_broken_turn(repository, transport, "second")
    model = ScriptedModel("fine")
    with repository.run("s") as run:
        agent_of(run.session_manager)
        agent = agent_of(run.session_manager, model=model, agent_id="second")
        assert result_texts(agent.messages) == [TOOL_INTERRUPTED]
        agent("next")
    assert_closed(stored(repository, "second"))
    assert texts(stored(repository, "second")) == ["go", TURN_INTERRUPTED, "next", "fine"]
    assert stored(repository) == []


def test_a_run_that_fails_closes_all_its_agents(repository: Repository) -> None:
    def go(run: Run) -> None:
        for agent_id in ("default", "helper"):
            agent_of(run.session_manager, [UseTool("look", {})], "fine", agent_id=agent_id, tools=[look])("go")
        agent_of(run.session_manager, [UseTool("look", {})], RuntimeError("x"), agent_id="third", tools=[look])("go")

    break_off(repository, go)
    for agent_id in ("default", "helper", "third"):
        assert_closed(stored(repository, agent_id))
    assert texts(stored(repository, "default")) == ["go", "fine"]
    assert texts(stored(repository, "third")) == ["go", TURN_INTERRUPTED]


def test_an_imported_history_may_end_with_the_user(repository: Repository) -> None:
    repository.create_session(Session("s", SessionType.AGENT))
    repository.create_agent("s", SessionAgent("default", {}, {}))
    imported: Any = {"role": "user", "content": [{"text": "Is anybody there?"}]}
    repository.create_message("s", "default", SessionMessage(imported, 0))
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "Yes")
        assert texts(agent.messages) == ["Is anybody there?"]
        agent("Hello?")
    assert texts(stored(repository)) == ["Is anybody there?", TURN_ENDED, "Hello?", "Yes"]


def test_a_sub_agents_question_leaves_the_other_agents_turn_closed(repository: Repository) -> None:
    @tool(context=True)
    def ask(tool_context: ToolContext) -> str:
        """Ask."""
        return tool_context.interrupt("q")

    with repository.run("s") as run:
        helper = agent_of(run.session_manager, [UseTool("ask", {})], tools=[ask], agent_id="helper")

        @tool
        def delegate() -> str:
            """Delegate."""
            return helper("please").stop_reason

        agent_of(run.session_manager, [UseTool("delegate", {})], "It asks something", tools=[delegate])("go")
    before = stored(repository), stored(repository, "helper")
    with repository.run("s") as run:
        helper = agent_of(run.session_manager, "thanks", tools=[ask], agent_id="helper")
        (question,) = helper._interrupt_state.interrupts
        agent_of(run.session_manager, "fine")("next")
        helper([answer(question, "42")])
    assert stored(repository)[: len(before[0])] == before[0]
    assert texts(stored(repository))[-2:] == ["next", "fine"]
    assert result_texts(stored(repository, "helper")) == ["42"]
    assert_closed(stored(repository, "helper"))


def test_a_cancelled_answer_leaves_nothing_to_resume(repository: Repository) -> None:
    """The application cancels its agent and lets the run commit: the call has its result, nobody is asked again."""

    @tool(context=True)
    def ask(tool_context: ToolContext) -> str:
        """Ask."""
        response = tool_context.interrupt("q")
        tool_context.agent.cancel()
        return response

    with repository.run("s") as run:
        agent_of(run.session_manager, [UseTool("ask", {})], tools=[ask])("go")
    with repository.run("s") as run:
        (question,) = run.interrupts
        assert agent_of(run.session_manager, tools=[ask])([answer(question, "42")]).stop_reason == "cancelled"
    with repository.run("s") as run:
        assert run.interrupts == {}
        agent = agent_of(run.session_manager, "fine", tools=[ask])
        agent("next")
    assert result_texts(agent.messages) == ["42"]
    assert texts(agent.messages) == ["go", TURN_ENDED, "next", "fine"]
    assert_closed(stored(repository))


def test_a_checkpointing_agent_goes_on_run_by_run(repository: Repository) -> None:
    turns = [[UseTool("look", {})], [UseTool("look", {})], "done"]
    prompt: Any = "go"
    stops = []
    while True:
        assert len(stops) < 9
        with repository.run("s") as run:
            agent = agent_of(run.session_manager, *turns, tools=[look], checkpointing=True)
            result = agent(prompt)
        stops.append(result.stop_reason)
        turns = turns[len(agent.model.calls) :]
        if result.checkpoint is None:
            break
        prompt = {"checkpointResume": {"checkpoint": result.checkpoint.to_dict()}}
    assert stops == [*["checkpoint"] * 4, "end_turn"]
    assert result_texts(stored(repository)) == ["seen", "seen"]
    assert texts(stored(repository)) == ["go", "done"]
    assert_closed(stored(repository))


def test_an_agent_of_a_voice_has_no_turns_to_close(repository: Repository) -> None:
    said: Any = [{"role": "user", "content": [{"text": text}]} for text in ("hello", "are you there?")]

    async def speak(agent: BidiAgent) -> None:
        await agent._append_messages(*said)

    for _ in range(2):
        with repository.run("s") as run:
            voice = BidiAgent(model=SilentModel(), session_manager=run.session_manager, agent_id="default")
            asyncio.run(speak(voice))
            agent_of(run.session_manager, [UseTool("look", {})], "fine", tools=[look], agent_id="other")("go")
        said = [{"role": "user", "content": [{"text": "and now?"}]}]
    assert texts(stored(repository)) == ["hello", "are you there?", "and now?"]


class SilentModel(BidiModel):
    """A voice model that is never started."""

    def update_config(self, **model_config: Any) -> None: ...

    def get_config(self) -> Any:
        return {}

    async def start(self, *args: Any, **kwargs: Any) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, content: Any) -> None: ...

    def receive(self) -> Any: ...


def test_an_agent_asked_after_its_run_hears_that_it_has_ended(repository: Repository) -> None:
    node = Agent(name="node", model=ScriptedModel("never"), callback_handler=None)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "Hi")
        agent("Hello")
        swarm = Swarm([node], session_manager=run.session_manager, id="many")
    failed: list[Agent] = []

    def fail(run: Run) -> None:
        failed.append(agent_of(run.session_manager))
        raise ZeroDivisionError

    break_off(repository, fail)
    for late in (agent, *failed, swarm):
        with pytest.raises(RunEndedError, match="has ended"):
            late("too late")
    assert texts(stored(repository)) == ["Hello", "Hi"]
