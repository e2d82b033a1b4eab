"""What the processes of these tests do."""

import random
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from typing import Any

from strands import ToolContext, tool

from session_store.errors import SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, RunRecord, RunRequest, RunWrite
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from session_store.store import Runs, Store
from tests.reliability.gate import WAIT_SECONDS
from tests.reliability.processes import pause
from tests.reliability.turns import agent_of
from tests.support.scripted_model import ScriptedModel, UseTool

RESULTS = "the results are written"
TOOL_TURN_POINTS = {
    "before begin": 0,
    "after begin": 0,
    "in the first model call": 0,
    "before the request is written": 0,
    "after the request is written": 2,
    "in the tool": 2,
    "before the results are written": 2,
    "after the results are written": 3,
    "in the second model call": 3,
    "before the commit": 3,
    "after the commit": 4,
}
"""Where a tool turn can be killed, in order, and how many of its messages are durable there."""

DURING = {
    "while the request is written": ("before the request is written", "after the request is written"),
    "while the results are written": ("before the results are written", "after the results are written"),
    "while it commits": ("before the commit", "after the commit"),
}
"""Inside a statement: the points before and after it."""


class PausingRuns:
    """A store's runs, with a pause on each side of every statement.

    Results are written while the model is called with them: not before it was, and it goes on once they are written.
    """

    def __init__(self, runs: Runs, pipe: Connection) -> None:
        self._runs, self._pipe = runs, pipe
        self._writes = iter(["the request is written", RESULTS])
        self.has_called_model, self.has_written_results = Event(), Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        pause(self._pipe, "before begin")
        begun = self._runs.begin(owner, request)
        self._pipe.send(("run", request.run_id))
        pause(self._pipe, "after begin")
        return begun

    def write(self, owner: str, write: RunWrite) -> bool:
        name = "the commit" if write.outcome else next(self._writes)
        if name == RESULTS:
            assert self.has_called_model.wait(WAIT_SECONDS)
        pause(self._pipe, f"before {name}")
        cancelled = self._runs.write(owner, write)
        pause(self._pipe, f"after {name}")
        if name == RESULTS:
            self.has_written_results.set()
        return cancelled


class PausingStore:
    def __init__(self, store: Store, pipe: Connection) -> None:
        self._store = store
        self.runs = PausingRuns(store.runs, pipe)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def hold_tool_turn(url: str, session_id: str, lease_seconds: float, pipe: Connection) -> None:
    """One turn with a tool, told point by point; the last word is ("acknowledged", run id)."""

    store = PausingStore(PostgreSQLStore(StoreSettings(url=url)), pipe)

    def ask(messages: Any) -> UseTool:
        pause(pipe, "in the first model call")
        return UseTool("work", {})

    def answer(messages: Any) -> str:
        store.runs.has_called_model.set()
        assert store.runs.has_written_results.wait(WAIT_SECONDS)
        pause(pipe, "in the second model call")
        return "the answer"

    @tool(context=True)
    def work(tool_context: ToolContext) -> str:
        """Works."""
        pause(pipe, "in the tool")
        tool_context.agent.state.set("worked", session_id)
        return "worked"

    repository = PostgreSQLSessionRepository(store=store)  # type: ignore[arg-type]
    with repository.run(session_id, lease_seconds=lease_seconds) as run:
        agent_of(run.session_manager, ScriptedModel(ask, answer), [work])("the killed prompt")
    pipe.send(("acknowledged", run.run_id))


def hold_turns(url: str, session_id: str, name: str, count: int, calls: Path, pipe: Connection) -> None:
    """So many acknowledged turns, each tried until the session is free; then ("done", how often it was busy)."""
    repository = PostgreSQLSessionRepository(store=PostgreSQLStore(StoreSettings(url=url)))
    pause(pipe, "ready")
    busy = 0
    for number in range(count):
        prompt = f"{name} {number}"
        while True:
            try:
                with repository.run(session_id) as run:
                    model = ScriptedModel(f"answer to {prompt}", calls_file=calls)
                    agent_of(run.session_manager, model)(prompt)
                break
            except SessionBusyError:
                busy += 1
                time.sleep(random.uniform(0.001, 0.01))
    pipe.send(("done", busy))


@tool(context=True)
def ask_a_human(tool_context: ToolContext) -> str:
    """Asks a human."""
    return f"a human says {tool_context.interrupt('approval', reason='may I?')}"


def hold_interrupted_turn(url: str, session_id: str, pipe: Connection) -> None:
    """One turn that ends with a question to a human; then (stop reason, interrupt ids)."""
    repository = PostgreSQLSessionRepository(store=PostgreSQLStore(StoreSettings(url=url)))
    with repository.run(session_id) as run:
        agent = agent_of(run.session_manager, ScriptedModel(UseTool("ask_a_human", {})), [ask_a_human])
        result = agent("Hello")
    pipe.send((result.stop_reason, [interrupt.id for interrupt in result.interrupts or []]))


def hold_rewinding_turn(url: str, session_id: str, from_message_id: int, pipe: Connection) -> None:
    """One turn that goes on from an earlier message, with pauses before and after its statements."""
    store = PausingStore(PostgreSQLStore(StoreSettings(url=url)), pipe)
    repository = PostgreSQLSessionRepository(store=store)  # type: ignore[arg-type]
    with repository.run(session_id, from_message_id=from_message_id, lease_seconds=60) as run:
        agent_of(run.session_manager, ScriptedModel("another answer"))("another prompt")
    pipe.send(("acknowledged", run.run_id))
