"""The tests' agent with a tool that blocks its thread."""

import time

from strands import Agent, tool

from tests.support import agent
from turns.agent_turn import AgentTurn

FACTORY = "tests.support.blocking_agent:build_agent"


@tool
def block_for(seconds: float) -> str:
    """Block."""
    time.sleep(seconds)
    return "blocked"


def build_agent(turn: AgentTurn) -> Agent:
    built = agent.build_agent(turn)
    built.tool_registry.process_tools([block_for])
    return built
