# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents[sqlalchemy]==0.24.0", "asyncpg==0.32.0"]
# ///
"""OpenAI Agents' SQLAlchemySession on asyncpg, one engine a process, its tables made once, the last 40 items a turn."""

import os

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
from agents.extensions.memory import SQLAlchemySession
from agents.memory import SessionSettings
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
        session = self._session(session_id, create_tables=True)
        self._loop.run(session.get_items())  # makes the tables, which adding nothing does not
        self._loop.run(session.add_items(items))

    def turn(self, session_id: str, tools: int) -> None:
        agent = Agent(name="agent", model=ScriptedModel(tools), tools=[look_up])
        run = Runner.run(
            agent, "What next?", session=self._session(session_id, 40), run_config=RunConfig(tracing_disabled=True)
        )
        self._loop.run(run)

    def restore(self, session_id: str, *, window: bool) -> int:
        return len(self._loop.run(self._session(session_id, 40 if window else None).get_items()))

    def _session(self, session_id: str, limit: int | None = None, *, create_tables: bool = False) -> SQLAlchemySession:
        return SQLAlchemySession(
            session_id, engine=self._engine, session_settings=SessionSettings(limit), create_tables=create_tables
        )


if __name__ == "__main__":
    main(OpenAIAgents)
