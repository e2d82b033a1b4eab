"""What a turn did: the spans of its agents and nodes, whatever they are."""

import json
from typing import Any

import pytest
from strands import Agent
from strands.multiagent import GraphBuilder
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands.types.exceptions import ModelThrottledException

from session_store.errors import ModelFailedError
from session_store.trace import Span, parse_trace
from tests.integration.turns.test_agents import graph_of, node
from tests.integration.turns.turning import OWNER, BuildAgent, Turns, scripted
from tests.support.scripted_model import ScriptedModel, UseTool
from turns.agent_turn import AgentTurn
from turns.projections import whole


def trace(turns: Turns, build: BuildAgent, **request: Any) -> list[Span]:
    turn = turns.begin(build, **request)
    whole.answer(turn)
    return read(turns, turn.run_id)


def read(turns: Turns, run_id: str) -> list[Span]:
    return parse_trace(turns.store.runs.read(OWNER, run_id).trace or "{}").spans


def names(spans: list[Span]) -> list[str]:
    """A node stands before what was done in it."""
    return [f"{span.kind} {span.node}" if span.node else f"{span.kind} {span.name}" for span in spans]


def test_an_agent_that_two_listen_to_has_each_call_once(turns: Turns) -> None:
    assert names(trace(turns, scripted("hi"))) == ["restore restore", "model scripted", "commit commit"]


def test_an_agent_with_snapshots_has_its_calls_too(turns: Turns) -> None:
    def build(turn: AgentTurn) -> Agent:
        manager = SnapshotSessionManager(turn.session_id, storage=turn.storage)
        return Agent(model=ScriptedModel("hi"), agent_id="default", session_manager=manager, callback_handler=None)

    assert names(trace(turns, build)) == ["restore restore", "model scripted", "commit commit"]


def test_throttled_calls_are_calls(turns: Turns) -> None:
    spans = trace(turns, scripted(ModelThrottledException("later"), "hi"))
    assert [span.status for span in spans if span.kind == "model"] == ["error", "end_turn"]


def test_nodes_hold_the_calls_of_their_agents(turns: Turns) -> None:
    spans = trace(turns, graph_of(["first"], [UseTool("missing", {}), "second"]))
    within = ["node one", "model one", "flush flush", "node two", "model two", "tool two", "model two", "flush flush"]
    assert names(spans) == ["restore restore", *within, "commit commit"]
    for outer in (span for span in spans if span.kind == "node"):
        inner = [span for span in spans if span.node == outer.name]
        assert all(outer.start_ms <= span.start_ms <= (span.end_ms or 0) <= (outer.end_ms or 0) for span in inner)


def test_nodes_of_nodes_are_named_behind_a_slash(turns: Turns) -> None:
    kept = GraphBuilder().set_max_node_executions(9)
    kept.add_node(node("inner", *["said"] * 2), "inner")
    kept_graph = kept.build()

    def build(turn: AgentTurn) -> Any:
        outer = GraphBuilder().set_max_node_executions(9)
        outer.add_node(kept_graph, "outer")  # which lives as long as its process, and serves the next turn too
        return outer.set_session_manager(turn.session_manager).build()

    for _ in range(2):
        assert names(trace(turns, build))[1:4] == ["node outer", "node outer", "model outer/inner"]


def test_a_turn_that_fails_keeps_its_trace_without_words(turns: Turns) -> None:
    turn = turns.begin(scripted(UseTool("look", {"where": "secret"}), RuntimeError("secret")))
    with pytest.raises(ModelFailedError):
        whole.answer(turn)
    spans = read(turns, turn.run_id)
    assert [span.status for span in spans if span.kind in ("model", "tool")] == ["tool_use", "success", "error"]
    assert "secret" not in json.dumps(spans)
