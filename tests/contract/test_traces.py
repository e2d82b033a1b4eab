"""What a run did is kept with it."""

from typing import Any

import pytest
from strands import Agent, tool
from strands.types.exceptions import EventLoopException

from session_store.records import RunOutcome
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.store import Store
from session_store.trace import Span, parse_trace
from tests.contract.records import agent
from tests.contract.runs import begin, commit, request, write
from tests.support.scripted_model import ScriptedModel, UseTool


@tool
def look() -> str:
    """Look."""
    return "nothing secret"


def hold(run: Run, *script: Any) -> None:
    Agent(model=ScriptedModel(*script), tools=[look], session_manager=run.session_manager, callback_handler=None)("Hi")


def spans(repository: PostgreSQLSessionRepository, run: Run) -> list[Span]:
    return parse_trace(repository.read_run(run.run_id).trace or "{}").spans


def test_a_run_keeps_the_calls_of_its_agent_and_its_own_writes(repository: PostgreSQLSessionRepository) -> None:
    with repository.run("s") as run:
        hold(run, [UseTool("look", {}), UseTool("look", {})], "secret answer")
    kept = spans(repository, run)
    assert [span.kind for span in kept[:5]] == ["restore", "model", "flush", "tool", "tool"]
    assert {span.kind for span in kept[5:7]} == {"flush", "model"}, "results are written beside the call"
    assert [span.name for span in kept if span.kind in ("model", "tool")] == ["scripted", "look", "look", "scripted"]
    assert [span.status for span in kept if span.status] == ["tool_use", "success", "success", "end_turn"]
    assert [span.start_ms for span in kept] == sorted(span.start_ms for span in kept)
    assert all((span.end_ms or 0) >= span.start_ms for span in kept[:-1])
    assert kept[-1].end_ms is None
    assert [(span.input_tokens, span.output_tokens) for span in kept if span.kind == "model"] == [(1, 1), (1, 1)]
    assert "secret" not in (repository.read_run(run.run_id).trace or "")
    assert run.round_trips == 4


def test_a_run_that_fails_keeps_what_it_has_done(repository: PostgreSQLSessionRepository) -> None:
    run = repository.run("s")
    with pytest.raises(EventLoopException), run:
        hold(run, UseTool("look", {}), RuntimeError("secret words"))
    kept = spans(repository, run)
    assert [span.kind for span in kept[:4]] == ["restore", "model", "flush", "tool"]
    assert {(span.kind, span.status) for span in kept[4:]} == {("flush", None), ("model", "error"), ("commit", None)}


def test_a_running_run_has_no_trace_yet(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    assert store.runs.read(owner, asked.run_id).trace is None


def test_a_trace_is_stored_as_it_is_given(store: Store, owner: str) -> None:
    asked, trace = request(), '{"spans":[["tool","\\u0000\\ud83e\\udd9c",null,1.50]],"omitted":2}'
    begin(store, owner, asked)
    store.runs.write(owner, commit(asked, outcome=RunOutcome("failed", trace=trace)))
    assert store.runs.read(owner, asked.run_id).trace == trace
