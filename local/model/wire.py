"""The part of OpenAI's chat completion format that this server uses: platform.openai.com/docs/api-reference/chat."""

import time
from typing import Any, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveInt

MODEL_NAME = "SmolLM2-135M-Instruct"


class Part(BaseModel):
    type: str
    text: str = ""


class FunctionCall(BaseModel):
    name: str
    arguments: str


class ToolCall(BaseModel):
    function: FunctionCall


class ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None


class Function(BaseModel):
    name: str


class Tool(BaseModel):
    function: Function


class StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    messages: list[ChatMessage] = Field(min_length=1)
    tools: list[Tool] = []
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    temperature: NonNegativeFloat = 0
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None

    @property
    def tool_names(self) -> list[str]:
        return [tool.function.name for tool in self.tools]


Delta = dict[str, Any]


def chunk(completion_id: str, delta: Delta | None, finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return {**_head(completion_id, "chat.completion.chunk"), "choices": [choice]}


def usage_chunk(completion_id: str, usage: dict[str, int]) -> dict[str, Any]:
    return {**_head(completion_id, "chat.completion.chunk"), "choices": [], "usage": usage}


def completion(completion_id: str, message: Delta, finish_reason: str, usage: dict[str, int]) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {**_head(completion_id, "chat.completion"), "choices": [choice], "usage": usage}


def error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def _head(completion_id: str, kind: str) -> dict[str, Any]:
    return {"id": completion_id, "object": kind, "created": int(time.time()), "model": MODEL_NAME}
