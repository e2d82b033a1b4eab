"""The agent: model, prompt, tools and memory put together. This is the place to change how it is built."""

from strands import Agent
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.models.model import Model
from strands.session.session_manager import SessionManager

from .models import configured_model
from .prompts import SYSTEM_PROMPT
from .tools import TOOLS

WINDOW_MESSAGES = 40


def build_agent(session_manager: SessionManager, model: Model | None = None) -> Agent:
    """An agent that continues the session of its `session_manager`.

    The model sees the last `WINDOW_MESSAGES` messages, and no more are read from the database; all stay stored.
    Raises `models.ModelSettingsError`.
    """
    return Agent(
        model=model or configured_model(),
        system_prompt=SYSTEM_PROMPT,
        tools=TOOLS,
        session_manager=session_manager,
        conversation_manager=SlidingWindowConversationManager(window_size=WINDOW_MESSAGES),
        callback_handler=None,
    )
