"""The agent that the product's tests serve, whatever a user makes of `agent/`.

`AGENT_FACTORY=tests.support.agent:build_agent`, which tests/conftest.py sets for every process that a test starts.
"""

from strands import Agent, ToolContext, tool
from strands.agent.conversation_manager import SlidingWindowConversationManager

from turns.agent_turn import AgentTurn

FACTORY = "tests.support.agent:build_agent"


@tool
def calculator(expression: str) -> str:
    """Compute.

    Args:
        expression: Arithmetic.
    """
    return str(round(eval(expression, {"__builtins__": {}}), 10))  # noqa: S307 - a test's own arithmetic


@tool(context=True)
def remember_note(note: str, tool_context: ToolContext) -> str:
    """Keep a note in the agent's state."""
    state = tool_context.agent.state
    state.set("notes", [*(state.get("notes") or []), note])
    return "Kept."


@tool(context=True)
def delete_file(name: str, tool_context: ToolContext) -> str:
    """Delete a file, once a human has agreed."""
    answer = tool_context.interrupt("approval", reason={"file": name})
    return f"deleted {name}" if answer == "yes" else "kept"


TOOLS = [calculator, remember_note, delete_file]


def build_agent(turn: AgentTurn) -> Agent:
    return Agent(
        agent_id=turn.agent_id,
        model=turn.model,
        system_prompt="Be brief.",
        tools=list(TOOLS),
        session_manager=turn.session_manager,
        conversation_manager=SlidingWindowConversationManager(window_size=40),
        callback_handler=None,
    )
