# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents[sqlalchemy]==0.24.0", "asyncpg"]
# ///
"""OpenAI Agents' SQLAlchemySession on asyncpg, one engine a process."""

import os

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from agents.extensions.memory import SQLAlchemySession
from harness import Loop, main, text
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from sqlalchemy.ext.asyncio import create_async_engine

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"


class ScriptedModel(Model):
    def __init__(self, tools: int) -> None:
        self._tools_left = tools

    async def get_response(self, system_instructions, input, *args, **kwargs):  # noqa: A002 - the interface's name
        number = len(input)
        if self._tools_left:
            self._tools_left -= 1
            item = ResponseFunctionToolCall(
                type="function_call", name="look_up", arguments='{"word": "x"}', call_id=f"use-{number}"
            )
        else:
            content = ResponseOutputText(type="output_text", text=text(number), annotations=[])
            item = ResponseOutputMessage(
                type="message", id=f"message-{number}", role="assistant", status="completed", content=[content]
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


@function_tool
def look_up(word: str) -> str:
    """Look a word up."""
    return text(len(word))


class OpenAIAgents:
    def __init__(self, url: str) -> None:
        self._loop = Loop()
        self._engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        roles = ("user", "assistant")
        items = [{"role": roles[number % 2], "content": text(number)} for number in range(messages)]
        self._loop.run(self._session(session_id).add_items(items))

    def turn(self, session_id: str, tools: int) -> None:
        agent = Agent(name="agent", model=ScriptedModel(tools), tools=[look_up])
        run = Runner.run(
            agent, "What next?", session=self._session(session_id), run_config=RunConfig(tracing_disabled=True)
        )
        self._loop.run(run)

    def restore(self, session_id: str) -> int:
        return len(self._loop.run(self._session(session_id).get_items()))

    def _session(self, session_id: str) -> SQLAlchemySession:
        return SQLAlchemySession(session_id, engine=self._engine, create_tables=True)


if __name__ == "__main__":
    main(OpenAIAgents)
