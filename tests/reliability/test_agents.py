"""Several agents in one run, side by side or as the nodes of a Graph or a Swarm."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from strands import Agent
from strands.multiagent import GraphBuilder, Swarm
from strands.session.session_manager import SessionManager

from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.turns import agent_of, assert_closed, history, texts, wait_until_blocked, work
from tests.support.scripted_model import ScriptedModel, UseTool

WAIT_SECONDS = 30


def test_what_an_agent_says_while_another_ones_write_is_on_its_way_is_stored(
    repository: PostgreSQLSessionRepository, database_url: str, watch: "psycopg.Connection[Any]"
) -> None:
    """As sub-agents do, each on the thread of the tool that asks it."""
    with repository.run("user-123", "writer") as run, ThreadPoolExecutor() as pool:
        writer_model = ScriptedModel(UseTool("work", {}), "written")
        writer = agent_of(run.session_manager, writer_model, [work], agent_id="writer")
        speaker = agent_of(run.session_manager, ScriptedModel("spoken"), agent_id="speaker")
        with psycopg.connect(database_url) as holder:
            holder.execute("SELECT FROM sessions FOR UPDATE")
            writing = pool.submit(writer, "write")
            wait_until_blocked(watch)
            speaking = pool.submit(speaker, "speak")
            assert done(speaking, within_seconds=WAIT_SECONDS)  # on an event loop it would hold up everything else
        writing.result(WAIT_SECONDS)
        speaking.result(WAIT_SECONDS)
    for agent_id, said in (("writer", ["write", "written"]), ("speaker", ["speak", "spoken"])):
        messages = history(repository.store, "user-123", agent_id)
        assert_closed(messages)
        assert texts(messages) == said


def graph_of(session_manager: SessionManager, *agents: Agent) -> Any:
    builder = GraphBuilder()
    for agent in agents:
        builder.add_node(agent, agent.name)
    builder.add_edge("first", "second")
    return builder.set_graph_id("two").set_max_node_executions(9).set_session_manager(session_manager).build()


def swarm_of(session_manager: SessionManager, *agents: Agent) -> Any:
    return Swarm(list(agents), session_manager=session_manager, id="two")


HAND_OFF = UseTool("handoff_to_agent", {"agent_name": "second", "message": "go on"})


@pytest.mark.parametrize(("orchestrate", "turns"), [(graph_of, ["said"]), (swarm_of, [[HAND_OFF], "handed over"])])
def test_a_node_that_has_ended_does_not_begin_again_after_a_run_that_broke_off(
    repository: PostgreSQLSessionRepository, orchestrate: Any, turns: list[Any]
) -> None:
    def run_both(*second: Any) -> int:
        """How often the first node's model was called."""
        models = ScriptedModel(*turns), ScriptedModel(*second)
        names = zip(("first", "second"), models, strict=True)
        agents = [Agent(name=name, agent_id=name, model=model, callback_handler=None) for name, model in names]
        try:
            with repository.run("user-123") as run:
                assert orchestrate(run.session_manager, *agents)("the task").status.value == "completed"
        except KeyboardInterrupt:
            assert len(models[1].calls) == 1
        return len(models[0].calls)

    assert run_both(KeyboardInterrupt()) == len(turns)
    assert run_both("done") == 0


def done(future: Any, *, within_seconds: float) -> bool:
    try:
        future.result(within_seconds)
    except TimeoutError:
        return False
    return True
