"""What `build_agent` may be given and may return."""

import itertools
import json
import uuid
from contextlib import closing
from typing import Any

import pytest
from pydantic import BaseModel
from strands import Agent, ToolContext, tool
from strands.hooks import AfterModelCallEvent
from strands.multiagent import GraphBuilder, Swarm
from strands.types.exceptions import ModelThrottledException

from session_store.errors import (
    AwaitingResponseError,
    ConfigurationError,
    ModelFailedError,
    ModelThrottledError,
)
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import OwnerBudget, StoreSettings
from tests.integration.turns.turning import OWNER, BuildAgent, Turns, ask, explain, parse, scripted
from tests.support.scripted_model import ScriptedModel, UseTool
from turns.agent_turn import AgentTurn
from turns.engine import AgentIdError
from turns.projections import ag_ui, text, whole


def node(name: str, *script: Any, **options: Any) -> Agent:
    return Agent(name=name, agent_id=name, model=ScriptedModel(*script), callback_handler=None, **options)


def graph_of(*scripts: Any) -> BuildAgent:
    """A chain of nodes `one`, `two`, …, each with its script."""

    def build(turn: AgentTurn) -> Any:
        builder = GraphBuilder().set_max_node_executions(9)
        names = ["one", "two", "three"][: len(scripts)]
        for name, script in zip(names, scripts, strict=True):
            builder.add_node(node(name, *script, tools=[ask]), name)
        for before, after in itertools.pairwise(names):
            builder.add_edge(before, after)
        return builder.set_session_manager(turn.session_manager).build()

    return build


def history(turns: Turns) -> list[str]:
    records = turns.store.messages.list(OWNER, "s", "default")
    return [block["text"] for record in records for block in json.loads(record.message)["content"]]


def steps(events: list[dict[str, Any] | None]) -> list[str]:
    return [f"{event['type'][5:]} {event['stepName']}" for event in events if event and "stepName" in event]


def test_a_graph_answers_with_its_last_node_and_its_events_name_the_nodes(turns: Turns) -> None:
    turn = turns.begin(graph_of(["first"], ["second"]))
    events = list(parse(ag_ui.frames(turn, explain)))
    assert steps(events) == ["STARTED one", "FINISHED one", "STARTED two", "FINISHED two"]
    started = [event for event in events if event and event["type"] == "TEXT_MESSAGE_START"]
    assert [event["name"] for event in started] == ["one", "two"]
    assert events[-1]["result"]["response"] == "second"  # type: ignore[index]
    assert events[-1]["result"]["usage"]["total_tokens"] == 4  # type: ignore[index]


def test_a_graphs_history_has_what_was_asked_and_answered(turns: Turns) -> None:
    for number in range(2):
        turn = turns.begin(graph_of(["first"], [f"answer {number}"]), f"prompt {number}")
        events = list(parse(ag_ui.frames(turn, explain)))
        assert events[-1]["result"]["response"] == f"answer {number}"  # type: ignore[index]
    assert history(turns) == ["prompt 0", "answer 0", "prompt 1", "answer 1"]
    asked = turns.begin(graph_of([UseTool("ask", {})], ["never"]), "prompt 2")
    (question,) = whole.answer(asked)["interrupts"]
    answer = [{"interruptResponse": {"interruptId": question["id"], "response": "yes"}}]
    whole.answer(turns.begin(graph_of(["agreed"], ["answer 2"]), answer))
    assert history(turns)[4:] == ["prompt 2", "answer 2"]
    (session,) = turns.store.sessions.list(OWNER).sessions
    assert (session.message_count, session.preview) == (6, "prompt 0")


def test_an_agent_goes_on_with_what_a_graph_was_asked_and_answered(turns: Turns) -> None:
    whole.answer(turns.begin(graph_of(["first"], ["second"]), "a graph's prompt"))
    whole.answer(turns.begin(scripted("an agent's answer"), "an agent's prompt"))
    whole.answer(turns.begin(graph_of(["third"], ["fourth"]), "another prompt"))
    model = ScriptedModel("the last answer")
    whole.answer(turns.begin(lambda turn: Agent(model, session_manager=turn.session_manager, callback_handler=None)))
    assert [message["content"][0]["text"] for message in model.calls[0]["messages"]] == [
        "a graph's prompt",
        "second",
        "an agent's prompt",
        "an agent's answer",
        "another prompt",
        "fourth",
        "hello",
    ]


def test_a_redacted_answer_of_a_graph_is_not_repeated(turns: Turns) -> None:
    key = {"idempotency_key": "k", "request_hash": "h"}
    whole.answer(turns.begin(graph_of(["first"], ["a secret"]), **key))
    gone = json.dumps({"role": "assistant", "content": [{"text": "[gone]"}]})
    (_, message) = turns.store.messages.list(OWNER, "s", "default")
    turns.store.messages.update(OWNER, "s", "default", message._replace(message=gone, redact_message=gone), None)
    assert whole.answer(turns.begin(graph_of(["first"], ["second"]), **key))["response"] == "[gone]"


def test_a_graphs_answer_is_repeated_for_the_same_request(turns: Turns) -> None:
    key = {"idempotency_key": "k", "request_hash": "h"}
    first, again = (whole.answer(turns.begin(graph_of(["first"], ["second"]), **key)) for _ in range(2))
    assert first == again
    assert first["response"] == "second"


def test_a_question_inside_a_node_waits_for_its_answer(turns: Turns) -> None:
    build = graph_of([UseTool("ask", {}), "agreed"], ["second"])
    turn = turns.begin(build)
    events = list(parse(ag_ui.frames(turn, explain)))
    assert steps(events) == ["STARTED one", "FINISHED one"]
    (question,) = events[-1]["result"]["interrupts"]  # type: ignore[index]
    assert question["name"] == "approval"
    with pytest.raises(AwaitingResponseError):
        turns.begin(build, "something else")
    resumed = graph_of(["agreed"], ["second"])
    answer = [{"interruptResponse": {"interruptId": question["id"], "response": "yes"}}]
    assert whole.answer(turns.begin(resumed, answer))["response"] == "second"


def test_a_swarm_answers_with_the_node_it_ended_with(turns: Turns) -> None:
    def build(turn: AgentTurn) -> Any:
        hand_over = UseTool("handoff_to_agent", {"agent_name": "two", "message": "yours"})
        nodes = [node("one", hand_over, "handed over"), node("two", "mine")]
        return Swarm(nodes, session_manager=turn.session_manager)

    assert whole.answer(turns.begin(build))["response"] == "mine"


def test_a_node_without_words_fails_the_turn(turns: Turns) -> None:
    with pytest.raises(ModelFailedError):
        whole.answer(turns.begin(graph_of(["  "])))


class Weather(BaseModel):
    degrees: int


def test_a_structured_answer_comes_as_what_it_is_and_is_repeated_so(turns: Turns) -> None:
    def build(turn: AgentTurn) -> Agent:
        model = ScriptedModel(UseTool("Weather", {"degrees": 21}))
        return Agent(
            model=model,
            structured_output_model=Weather,
            session_manager=turn.session_manager,
            callback_handler=None,
        )

    key = {"idempotency_key": "k", "request_hash": "h"}
    first, again = (whole.answer(turns.begin(build, **key)) for _ in range(2))
    assert first["structured_output"] == {"degrees": 21}  # type: ignore[typeddict-item]
    assert first == again


def test_a_turn_says_who_asks_and_its_tools_hear_it_too(turns: Turns) -> None:
    seen = list[Any]()

    @tool(context=True)
    def look(tool_context: ToolContext) -> str:
        """Look."""
        seen.append((tool_context.invocation_state["turn"], tool_context.invocation_state["caller"]))
        return "seen"

    def build(turn: AgentTurn) -> Agent:
        seen.append(turn)
        model = ScriptedModel(UseTool("look", {}), "done")
        return Agent(model=model, tools=[look], session_manager=turn.session_manager, callback_handler=None)

    turn = turns.begin(build, end_user="bob", claims={"email": "a@example.com"}, metadata={"locale": "de"})
    whole.answer(turn)
    given, (in_tool, caller) = seen
    assert (given.session_id, given.run_id, given.agent_id) == ("s", turn.run_id, "default")
    assert given.caller == caller
    assert (caller.owner, caller.end_user, caller.claims["email"]) == (OWNER, "bob", "a@example.com")
    assert in_tool is given
    assert given.metadata == {"locale": "de"}


def test_nodes_that_an_application_keeps_serve_every_turn(turns: Turns) -> None:
    kept = node("one", *["kept"] * 9)

    def build(turn: AgentTurn) -> Any:
        builder = GraphBuilder().set_max_node_executions(9).set_session_manager(turn.session_manager)
        builder.add_node(kept, "one")
        return builder.build()

    for number in range(3):
        assert whole.answer(turns.begin(build, session_id=f"s{number}"))["response"] == "kept"
    assert len([*kept.hooks.get_callbacks_for(AfterModelCallEvent(agent=kept, invocation_state={}))]) < 5


def test_an_agent_of_another_id_keeps_its_own_history_and_counts_once(
    turns: Turns, repository: PostgreSQLSessionRepository, store: PostgreSQLStore
) -> None:
    def build(turn: AgentTurn) -> Agent:
        return node("support", "hi", session_manager=turn.session_manager)

    assert [whole.answer(turns.begin(build))["response"] for _ in range(2)] == ["hi", "hi"]
    assert [message.message_id for message in repository.list_messages("s", "support")] == [0, 1, 2, 3]
    assert [run.status for run in store.runs.of_session(OWNER, "s").runs] == ["completed"] * 2
    assert [day.runs for day in store.usage.read(OWNER, 1)] == [2]


def test_an_agent_of_another_id_begins_one_session_and_spends_one_run(database_url: str) -> None:
    def build(turn: AgentTurn) -> Agent:
        return node("support", "hi", session_manager=turn.session_manager)

    settings = StoreSettings(url=database_url, budget=OwnerBudget(runs_per_minute=1))
    with closing(PostgreSQLStore(settings)) as limited:
        assert whole.answer(Turns(limited).begin(build, session_id=None))["response"] == "hi"
        assert len(limited.sessions.list(OWNER).sessions) == 1


def test_a_run_whose_id_is_known_before_begins_as_the_agent_that_was_built(
    turns: Turns, repository: PostgreSQLSessionRepository
) -> None:
    def build(turn: AgentTurn) -> Agent:
        return node("support", "hi", session_manager=turn.session_manager)

    run_id = str(uuid.uuid4())
    assert whole.answer(turns.begin(build, run_id=run_id))["response"] == "hi"
    run = repository.read_run(run_id)
    assert (run.status, run.agent_id, run.error_code) == ("completed", "support", None)


def test_agents_whose_ids_change_from_build_to_build_are_refused_in_one_sentence(turns: Turns) -> None:
    numbers = itertools.count()

    def build(turn: AgentTurn) -> Agent:
        return node(f"agent-{next(numbers)}", "hi", session_manager=turn.session_manager)

    with pytest.raises(AgentIdError, match=r"agent_id=turn\.agent_id, or set AGENT_ID=agent-1"):
        turns.begin(build)


def test_what_is_no_agent_is_refused_in_one_sentence(turns: Turns) -> None:
    with pytest.raises(ConfigurationError, match="must return an Agent, a Graph or a Swarm, not str"):
        turns.begin(lambda turn: "an agent")


def test_a_model_that_is_throttled_to_the_end_is_reported_as_throttled(turns: Turns) -> None:
    throttled = ModelThrottledException("slow down")
    build = scripted(*[throttled] * 9)
    with pytest.raises(ModelThrottledError):
        text.chunks(turns.begin(build))

    def build_patient(turn: AgentTurn) -> Agent:
        model = ScriptedModel(*[throttled] * 9)
        return Agent(model=model, session_manager=turn.session_manager, callback_handler=None)

    with pytest.raises(ModelThrottledError):
        whole.answer(turns.begin(build_patient, seconds=0.5))
