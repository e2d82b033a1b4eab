"""The agent: model, prompt, tools and memory put together. This is the place to change how it is built."""

from strands import Agent
from strands.agent.conversation_manager import SlidingWindowConversationManager

from turns.agent_turn import AgentTurn

from .prompts import SYSTEM_PROMPT
from .tools import TOOLS

WINDOW_MESSAGES = 40


def build_agent(turn: AgentTurn) -> Agent:
    """An agent that continues the turn's session.

    The model sees the last `WINDOW_MESSAGES` messages, and no more are read from the database; all stay stored.
    """
    return Agent(
        agent_id=turn.agent_id,
        model=turn.model,
        system_prompt=SYSTEM_PROMPT,
        tools=TOOLS,
        session_manager=turn.session_manager,
        conversation_manager=SlidingWindowConversationManager(window_size=WINDOW_MESSAGES),
        callback_handler=None,
    )
