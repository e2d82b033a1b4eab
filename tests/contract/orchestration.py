"""A Graph or a Swarm of two agents in a process of its own."""

import os
import signal
from multiprocessing.connection import Connection
from typing import Any

from strands import Agent
from strands.multiagent import GraphBuilder, Swarm
from strands.session.repository_session_manager import RepositorySessionManager

from session_store.repository import PostgreSQLSessionRepository
from tests.contract.transport import Transport
from tests.support.scripted_model import Say, ScriptedModel, Turn, UseTool

SESSION_ID, ORCHESTRATION_ID = "orchestrated", "two"


def orchestrate(transport: Transport, owner: str, kind: str, is_killed: bool, pipe: Connection) -> None:
    """Sends {"status", "calls"}: how it ended, how often each agent's model was called; or dies in the second's."""
    pipe.send(_run(transport, owner, kind, _die if is_killed else "second says"))


def _run(transport: Transport, owner: str, kind: str, second_turn: Turn) -> dict[str, Any]:
    hand_off = [UseTool("handoff_to_agent", {"agent_name": "second", "message": "go on"})]
    first = ScriptedModel(*(["first says"] if kind == "graph" else [hand_off, "handed over"]))
    second = ScriptedModel(second_turn)
    agents = [
        Agent(name=name, agent_id=name, model=model, callback_handler=None)
        for name, model in (("first", first), ("second", second))
    ]
    repository = PostgreSQLSessionRepository(owner=owner, store=transport.open())
    manager = RepositorySessionManager(SESSION_ID, repository)
    orchestration = _graph(agents, manager) if kind == "graph" else _swarm(agents, manager)
    result = orchestration("the task")
    return {"status": result.status.value, "calls": [len(first.calls), len(second.calls)]}


def _graph(agents: list[Agent], manager: RepositorySessionManager) -> Any:
    builder = GraphBuilder()
    for agent in agents:
        builder.add_node(agent, agent.name)
    builder.add_edge("first", "second")
    builder.set_graph_id(ORCHESTRATION_ID)
    builder.set_session_manager(manager)
    return builder.build()


def _swarm(agents: list[Agent], manager: RepositorySessionManager) -> Any:
    return Swarm(agents, session_manager=manager, id=ORCHESTRATION_ID)


def _die(_: object) -> Say:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
