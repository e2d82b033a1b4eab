"""How a turn ends when it is out of time, called off, robbed of its session, or its model fails."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from strands import Agent, tool

from session_store.errors import LeaseLostError, ModelFailedError, RunCancelledError, RunDeadlineError
from session_store.history import TURN_INTERRUPTED
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.gate import WAIT_SECONDS, Gate
from tests.reliability.turns import OWNER, agent_of, hold_turn, stored_texts
from tests.support.scripted_model import ScriptedModel, UseTool
from tests.support.waiting import wait_until
from turns.agent_turn import AgentTurn
from turns.answer import ProcessAnswer
from turns.engine import TurnEngine
from turns.event_loop import process_loop
from turns.projections import whole
from turns.request import TurnRequest

RUN_ID = "00000000-0000-4000-8000-000000000001"


@dataclass
class Service:
    """Answers one prompt with an agent of its own."""

    repository: PostgreSQLSessionRepository
    model: ScriptedModel
    tools: list[Any]
    agents: list[Agent] = field(default_factory=list[Agent])

    def answer(self, seconds: float = WAIT_SECONDS, lease_seconds: float = 30) -> ProcessAnswer:
        engine = TurnEngine(self.repository.store, self._build, lease_seconds=lease_seconds)
        deadline = time.monotonic() + seconds
        return whole.answer(engine.run(TurnRequest(OWNER, "user-123", "Hello", None, None, deadline, RUN_ID)))

    def is_stopping(self) -> bool:
        return any(agent.cancel_signal.is_set() for agent in self.agents)

    def _build(self, turn: AgentTurn) -> Agent:
        self.agents.append(agent_of(turn.session_manager, self.model, self.tools))
        return self.agents[-1]


@contextmanager
def agents_ended() -> Iterator[None]:
    """Whatever agent the block leaves at work has ended after it."""
    loop = process_loop()
    yield
    wait_until(lambda: not asyncio.all_tasks(loop))


@contextmanager
def held_in_its_tool(service: Service, gate: Gate) -> "Iterator[Future[ProcessAnswer]]":
    """A turn whose tool waits while the block is at work."""
    with ThreadPoolExecutor() as pool:
        turn = pool.submit(service.answer, lease_seconds=0.9)
        try:
            assert gate.reached.wait(WAIT_SECONDS)
            yield turn
        finally:
            gate.opened.set()


def test_at_its_deadline_a_turn_fails_and_what_its_tool_does_later_goes_nowhere(
    repository: PostgreSQLSessionRepository, gate: Gate
) -> None:
    hold_turn(repository, "user-123", "before")
    service = Service(repository, ScriptedModel(UseTool("wait", {}), "too late"), [gate.tool])
    with agents_ended():
        with pytest.raises(RunDeadlineError):
            service.answer(seconds=0.5)
        assert gate.reached.is_set()
        closed = stored_texts(repository)
        assert closed == ["before", "answer to before", "Hello", TURN_INTERRUPTED]
        record = repository.read_run(RUN_ID)
        assert (record.status, record.error_code) == ("failed", "run_deadline")
        hold_turn(repository, "user-123", "after")  # at once: nothing waits for the tool
        gate.opened.set()
    assert stored_texts(repository) == [*closed, "after", "answer to after"]
    assert len(service.model.calls) == 1


def test_a_turn_called_off_ends_at_its_next_renewal(repository: PostgreSQLSessionRepository, gate: Gate) -> None:
    service = Service(repository, ScriptedModel(UseTool("wait", {}), "never said"), [gate.tool])
    with held_in_its_tool(service, gate) as turn:
        assert repository.cancel_run(RUN_ID).cancel_requested
        wait_until(service.is_stopping)
    assert isinstance(turn.exception(), RunCancelledError)
    assert len(service.model.calls) == 1
    assert stored_texts(repository)[-1] == TURN_INTERRUPTED
    record = repository.read_run(RUN_ID)
    assert (record.status, record.error_code) == ("cancelled", "run_cancelled")


def test_a_turn_called_off_ends_at_its_next_write(repository: PostgreSQLSessionRepository) -> None:
    def call_off(messages: Any) -> Any:
        repository.cancel_run(RUN_ID)
        return UseTool("work", {})

    @tool
    def work() -> str:
        """Works."""
        worked.append(1)
        return "worked"

    worked: list[int] = []
    with pytest.raises(RunCancelledError):
        Service(repository, ScriptedModel(call_off, "never said"), [work]).answer()
    assert worked == []
    assert stored_texts(repository) == ["Hello", TURN_INTERRUPTED]
    assert repository.read_run(RUN_ID).status == "cancelled"


def test_a_turn_that_lost_its_lease_says_so_and_not_that_it_was_called_off(
    repository: PostgreSQLSessionRepository, gate: Gate
) -> None:
    service = Service(repository, ScriptedModel(UseTool("wait", {}), "never said"), [gate.tool])
    with held_in_its_tool(service, gate) as turn:
        repository.delete_session("user-123")
        wait_until(service.is_stopping)
    with pytest.raises(LeaseLostError, match="the session was deleted"):
        turn.result()
    assert repository.read_session("user-123") is None


def test_a_failed_model_leaves_nothing_of_a_plain_turn(repository: PostgreSQLSessionRepository) -> None:
    hold_turn(repository, "user-123", "before")
    with pytest.raises(ModelFailedError):
        Service(repository, ScriptedModel(["half an", RuntimeError("broke")]), []).answer()
    assert stored_texts(repository) == ["before", "answer to before"]
    record = repository.read_run(RUN_ID)
    assert (record.status, record.error_code) == ("failed", "model_failed")
    hold_turn(repository, "user-123", "after")
