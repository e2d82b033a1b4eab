"""Turns in this process, of an agent with a scripted model, on a real database."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from strands import Agent, ModelRetryStrategy, tool
from strands.types.tools import ToolContext

from session_store.store import Store
from tests.support.scripted_model import ScriptedModel
from tests.support.scripted_model import Turn as Script
from turns.agent_turn import AgentTurn
from turns.engine import TurnEngine
from turns.events import Turn, TurnFailed
from turns.projections import ag_ui
from turns.request import Prompt, TurnRequest

OWNER = "alice"
BuildAgent = Callable[[AgentTurn], Any]


@tool
def look() -> dict[str, Any]:
    """Look."""
    return {"status": "success", "content": [{"json": {"seen": None, "where": "Orléans"}}]}


@tool(context=True)
def ask(tool_context: ToolContext) -> str:
    """Ask."""
    return str(tool_context.interrupt("approval", reason={"file": "a\ud800.txt"}))


def scripted(*turns: Script) -> BuildAgent:
    return lambda turn: Agent(
        model=ScriptedModel(*turns),
        tools=[look, ask],
        session_manager=turn.session_manager,
        retry_strategy=ModelRetryStrategy(initial_delay=0),
        callback_handler=None,
    )


@dataclass
class Turns:
    """Holds turns in one session, "s" unless another is named."""

    store: Store
    recorded: list[Any] = field(default_factory=list[Any])
    agent_id: str = "default"

    def begin(
        self,
        build: BuildAgent,
        prompt: Prompt = "hello",
        *,
        seconds: float = 30,
        pause_seconds: float = 0.005,
        lease_seconds: float = 30,
        **request: Any,
    ) -> Turn:
        engine = TurnEngine(
            self.store,
            build,
            lambda timings, usage: self.recorded.append(usage),
            pause_seconds,
            lease_seconds,
            self.agent_id,
        )
        asked = TurnRequest(OWNER, "s", prompt, None, None, time.monotonic() + seconds)
        return engine.run(asked._replace(**request))


def explain(error: Exception) -> TurnFailed:
    raise error


def parse(frames: Iterator[str]) -> Iterator[dict[str, Any] | None]:
    """The events of AG-UI, None for a heartbeat."""
    for frame in frames:
        yield None if frame == ag_ui.HEARTBEAT else json.loads(frame.partition("data: ")[2])
