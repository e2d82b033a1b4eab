"""Strands' snapshot sessions in `run.storage`: two round trips a turn, and under the run's lease."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from strands import Agent, tool
from strands.multiagent import GraphBuilder
from strands.session.snapshot_session_manager import SnapshotSessionManager

from session_store import LeaseLostError, PostgreSQLStorage, RunCancelledError
from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, RunRequest
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from tests.support.scripted_model import Say, ScriptedModel, Stop, Turn, UseTool

KEY = "session/user-123/scopes/agent/default/snapshots/snapshot_latest.json"


@tool
def look_up(words: str) -> str:
    """Look something up."""
    return f"found {words}"


def build_agent(run: Run, *turns: Turn, **options: Any) -> Agent:
    manager = SnapshotSessionManager(run.session_id, storage=run.storage, **options)
    return Agent(
        model=ScriptedModel(*turns), session_manager=manager, agent_id="default", tools=[look_up], callback_handler=None
    )


def texts(agent: Agent) -> list[str]:
    return [block["text"] for message in agent.messages for block in message["content"] if "text" in block]


def test_a_snapshot_turn_takes_two_round_trips_from_the_first_on(
    repository: PostgreSQLSessionRepository, module_store: PostgreSQLStore
) -> None:
    for number, known in ((1, []), (2, ["Hello 1", "answer 1"])):
        before = module_store.round_trips
        with repository.run("user-123") as run:
            agent = build_agent(run, f"answer {number}")
            assert texts(agent) == known
            agent(f"Hello {number}")
        assert module_store.round_trips - before == 2


def test_a_snapshot_turn_with_tools_takes_two_as_well(
    repository: PostgreSQLSessionRepository, module_store: PostgreSQLStore
) -> None:
    before = module_store.round_trips
    with repository.run("user-123") as run:
        build_agent(run, UseTool("look_up", {"words": "tea"}), "Tea.", save_latest_on="message")("What?")
    assert module_store.round_trips - before == 2


def test_a_large_snapshot_costs_one_round_trip_more(
    repository: PostgreSQLSessionRepository, module_store: PostgreSQLStore
) -> None:
    with repository.run("user-123") as run:
        build_agent(run, "answer")("a long text " * 20_000)
    before = module_store.round_trips
    with repository.run("user-123") as run:
        agent = build_agent(run, "another")
        assert len(texts(agent)[0]) == 240_000
        agent("Hello")
        assert texts(build_agent(run))[-1] == "another"
    assert module_store.round_trips - before == 3


def test_a_large_session_takes_its_snapshots_along_at_once(
    repository: PostgreSQLSessionRepository, module_store: PostgreSQLStore, shared_database_url: str, owner: str
) -> None:
    with repository.run("user-123") as run:
        build_agent(run, "answer")("Hello")
    with psycopg.connect(shared_database_url) as connection:  # as a deletion in pieces hides it
        connection.execute("UPDATE sessions SET owner = '', session_id = session_key::text WHERE owner = %s", (owner,))
    with repository.run("user-123") as run:
        assert texts(build_agent(run)) == []


def test_a_turn_that_fails_leaves_the_snapshot_before_it(repository: PostgreSQLSessionRepository) -> None:
    with repository.run("user-123") as run:
        build_agent(run, "answer 1")("Hello 1")
    with pytest.raises(ZeroDivisionError), repository.run("user-123") as run:
        build_agent(run, "never stored")("Hello 2")
        raise ZeroDivisionError
    with repository.run("user-123") as run:
        assert texts(build_agent(run)) == ["Hello 1", "answer 1"]


def test_a_run_that_lost_its_lease_overwrites_nothing(
    repository: PostgreSQLSessionRepository, module_store: PostgreSQLStore, owner: str
) -> None:
    with pytest.raises(LeaseLostError), repository.run("user-123", lease_seconds=3600) as late:
        build_agent(late, "stale")("too late")
        request = RunRequest("user-123", "default", late.run_id, 3600)
        assert isinstance(module_store.runs.begin(owner, request), BegunRun)
        module_store.sessions.delete(owner, "user-123")
        with repository.run("user-123") as run:
            build_agent(run, "fresh")("in time")
    with repository.run("user-123") as run:
        assert texts(build_agent(run)) == ["in time", "fresh"]


def test_a_cancelled_run_ends_its_snapshot_agent(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage
) -> None:
    with pytest.raises(RunCancelledError), repository.run("user-123") as run:
        agent = build_agent(run, "answer")
        run.cancel()
        agent("Hello")
    assert asyncio.run(outside.read(KEY)) is None


def test_snapshots_are_deleted_with_their_session(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage
) -> None:
    with repository.run("user-123") as run:
        build_agent(run, "answer")("Hello")
        asyncio.run(run.storage.write("notes/a", b"kept"))
    assert asyncio.run(outside.list("")) == ["notes/a", KEY]
    repository.delete_session("user-123")
    assert asyncio.run(outside.list("")) == ["notes/a"]


def test_checkpoints_are_listed_and_restored(repository: PostgreSQLSessionRepository) -> None:
    for number in (1, 2):
        with repository.run("user-123") as run:
            build_agent(run, f"answer {number}", snapshot_trigger=lambda **_: True)(f"Hello {number}")
    with repository.run("user-123") as run:
        agent = build_agent(run)
        manager = agent._session_manager
        assert isinstance(manager, SnapshotSessionManager)
        first, second = asyncio.run(manager.list_snapshot_ids(agent))
        assert asyncio.run(manager.restore_snapshot(agent, snapshot_id=first))
        assert texts(agent) == ["Hello 1", "answer 1"]
        assert asyncio.run(manager.restore_snapshot(agent, snapshot_id=second))
        asyncio.run(manager.delete_session())
    with repository.run("user-123") as run:
        assert texts(build_agent(run)) == []
        assert asyncio.run(run.storage.list("")) == []


def test_what_a_guardrail_takes_back_is_never_stored(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage
) -> None:
    with repository.run("user-123") as run:
        build_agent(run, [Say("no"), Stop("guardrail_intervened")], save_latest_on="message")("my secret")
    stored = asyncio.run(outside.read(KEY))
    assert stored
    assert b"my secret" not in stored
    assert b"redacted" in stored


def test_a_graph_restores_its_snapshot_without_a_round_trip_more(
    repository: PostgreSQLSessionRepository, module_store: PostgreSQLStore, outside: PostgreSQLStorage
) -> None:
    def ask(run: Run) -> str:
        builder = GraphBuilder()
        builder.add_node(Agent(model=ScriptedModel("from the node"), callback_handler=None), "only")
        builder.set_max_node_executions(3)
        builder.set_session_manager(SnapshotSessionManager(run.session_id, storage=run.storage))
        return str(builder.build()("Hello").status)

    before = module_store.round_trips
    with repository.run("user-123") as run:
        ask(run)
    with repository.run("user-123") as run:
        ask(run)
    assert module_store.round_trips - before == 4
    (key,) = asyncio.run(outside.list(""))
    assert key.startswith("session/user-123/scopes/multiAgent/")
    assert json.loads(asyncio.run(outside.read(key)) or b"")["scope"] == "multiAgent"
