"""The same Strands agent for every contestant that has one, its model scripted."""

import asyncio
import json
from collections.abc import AsyncIterable
from typing import Any

from harness import text
from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager, SlidingWindowConversationManager
from strands.models.model import Model


class ScriptedModel(Model):
    """Asks for `tools` tool calls, one after the other, and then answers. thinking_seconds: before each answer."""

    thinking_seconds = 0.0

    def __init__(self, tools: int) -> None:
        self._tools_left = tools

    def update_config(self, **model_config: Any) -> None:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {}

    def structured_output(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def stream(self, messages: Any, *args: Any, **kwargs: Any) -> AsyncIterable[Any]:
        if self.thinking_seconds:
            await asyncio.sleep(self.thinking_seconds)
        yield {"messageStart": {"role": "assistant"}}
        if self._tools_left:
            self._tools_left -= 1
            use = {"name": "look_up", "toolUseId": f"use-{len(messages)}-{self._tools_left}"}
            yield {"contentBlockStart": {"start": {"toolUse": use}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps({"word": "x"})}}}}
            reason = "tool_use"
        else:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": text(len(messages))}}}
            reason = "end_turn"
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": reason}}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 1}}}


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return text(len(word))


def build_agent(tools: int = 0, *, window: bool = True, **arguments: Any) -> Agent:
    return Agent(
        model=ScriptedModel(tools),
        tools=[look_up],
        conversation_manager=SlidingWindowConversationManager(40) if window else NullConversationManager(),
        callback_handler=None,
        **arguments,
    )


def seed_messages(count: int) -> list[Any]:
    roles = ("user", "assistant")
    return [{"role": roles[number % 2], "content": [{"text": text(number)}]} for number in range(count)]


def seed_through(manager: Any, count: int, *, window: bool) -> None:
    """Stored as the session manager does it, and held by the agent: what an agent holds may decide what is restored."""
    agent = build_agent(window=window, session_manager=manager)
    for message in seed_messages(count):
        agent.messages.append(message)
        manager.append_message(message, agent)
