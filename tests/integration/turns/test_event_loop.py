"""All turns of a process share one event loop, and a turn that is over leaves nothing at work in it."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from strands import Agent, tool

from session_store.errors import RunCancelledError, RunDeadlineError
from session_store.repository import PostgreSQLSessionRepository
from tests.integration.turns.turning import BuildAgent, Turns
from tests.support.scripted_model import ScriptedModel, UseTool
from turns.agent_turn import AgentTurn
from turns.projections import whole


def agent_with(work: Callable[..., Any], *turns: Any) -> BuildAgent:
    script = turns or (UseTool("work", {}), "done")
    named = tool(name="work", description="Works.")(work)
    return lambda turn: Agent(
        model=ScriptedModel(*script), tools=[named], session_manager=turn.session_manager, callback_handler=None
    )


def test_a_client_that_a_tool_keeps_serves_the_next_turn(turns: Turns) -> None:
    loops = list[asyncio.AbstractEventLoop]()

    async def work() -> str:
        loops.append(asyncio.get_running_loop())
        return "worked"

    for _ in range(2):
        assert whole.answer(turns.begin(agent_with(work)))["response"] == "done"
    assert loops[0] is loops[1]
    assert not loops[0].is_closed()


def test_nothing_of_a_turn_stays_in_memory(turns: Turns) -> None:
    agents = list[weakref.ref[Agent]]()

    def build(turn: AgentTurn) -> Agent:
        agent = Agent(model=ScriptedModel("done"), session_manager=turn.session_manager, callback_handler=None)
        agents.append(weakref.ref(agent))
        return agent

    for _ in range(3):
        whole.answer(turns.begin(build))
    gc.collect()
    assert [agent() for agent in agents] == [None] * 3


def test_an_async_tool_ends_when_its_turn_does(turns: Turns) -> None:
    ended = list[float]()

    async def work() -> str:
        try:
            await asyncio.sleep(15)
        finally:
            ended.append(time.monotonic())
        return "too late"

    deadline = time.monotonic() + 0.5
    with pytest.raises(RunDeadlineError):
        whole.answer(turns.begin(agent_with(work), seconds=0.5))
    assert ended[0] < deadline + 2


def test_a_turn_called_off_stops_its_tool(turns: Turns, repository: PostgreSQLSessionRepository) -> None:
    begun, stopped = threading.Event(), threading.Event()

    async def work() -> str:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return "too late"

    turn = turns.begin(agent_with(work), lease_seconds=0.9)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(whole.answer, turn)
        assert begun.wait(30)
        repository.cancel_run(turn.run_id)
        assert stopped.wait(30)
    assert isinstance(answer.exception(), RunCancelledError)


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    released = threading.Event()
    yield released
    released.set()


def test_a_tool_that_blocks_the_loop_holds_neither_its_own_turn_nor_the_next(
    turns: Turns, blocked: threading.Event
) -> None:
    async def block() -> str:
        blocked.wait(30)
        return "too late"

    async def work() -> str:
        return "worked"

    with pytest.raises(RunDeadlineError):
        whole.answer(turns.begin(agent_with(block), seconds=0.5))
    began = time.monotonic()
    assert whole.answer(turns.begin(agent_with(work), session_id="other"))["response"] == "done"
    assert time.monotonic() - began < 5


def test_tools_that_hang_in_threads_leave_threads_for_later_turns(turns: Turns, blocked: threading.Event) -> None:
    def block() -> str:
        blocked.wait(30)
        return "too late"

    script = [UseTool("work", {})] * 40
    with pytest.raises(RunDeadlineError):
        whole.answer(turns.begin(agent_with(block, script), seconds=1))

    def work() -> str:
        return "worked"

    assert whole.answer(turns.begin(agent_with(work), session_id="other"))["response"] == "done"


def test_an_agent_cleans_up_after_each_turn(turns: Turns) -> None:
    built = list[Agent]()

    class Tidy(Agent):
        cleanups = 0

        def cleanup(self) -> None:
            self.cleanups += 1
            raise OSError("nothing to be done")

    def build(turn: AgentTurn) -> Agent:
        built.append(Tidy(model=ScriptedModel("hi"), session_manager=turn.session_manager, callback_handler=None))
        return built[-1]

    assert whole.answer(turns.begin(build))["response"] == "hi"
    assert [agent.cleanups for agent in built] == [1]  # type: ignore[attr-defined]


FORK = """
import asyncio, os
from turns.event_loop import process_loop
process_loop()
child = os.fork()
if child == 0:
    print(asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "alive"), process_loop()).result(5), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_process_has_a_loop_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout == "alive\n"
