"""The HTTP server: `POST /v1/chat/completions` and `GET /health`, on one engine."""

import json
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.model import wire
from local.model.engine import CompletionToken, Engine
from local.model.prompt import CALL_START, MAX_REPLY_TOKENS, TOOL, build_prompt


@dataclass
class Reply:
    """One completion. `deltas` yields the parts of OpenAI's message and sets the other attributes as it goes."""

    tokens: AsyncIterator[CompletionToken]
    finish_reason: str = "stop"
    usage: dict[str, int] | None = None

    async def deltas(self) -> AsyncGenerator[wire.Delta, None]:
        text, started = "", False
        async for token in self.tokens:
            text += token.text
            if token.finish_reason:
                self._finish(token)
            if started and token.text:
                yield {"content": token.text}
            elif not started and not _may_be_call(text.lstrip()):
                started = True
                yield {"role": "assistant", "content": text.lstrip()}
        if call := re.match(re.escape(CALL_START) + r"(.*)\)", text.strip()):
            self.finish_reason = "tool_calls"
            yield {"role": "assistant", "content": None, "tool_calls": [_tool_call(call[1])]}
        elif not started:
            yield {"role": "assistant", "content": text.strip() or "…"}

    def _finish(self, last: CompletionToken) -> None:
        self.finish_reason = last.finish_reason or "stop"
        self.usage = {
            "prompt_tokens": last.prompt_tokens,
            "completion_tokens": last.completion_tokens,
            "total_tokens": last.prompt_tokens + last.completion_tokens,
        }


def build_app(engine: Engine) -> Starlette:
    async def complete(request: Request) -> Response:
        try:
            chat = wire.ChatRequest.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            return JSONResponse(wire.error(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"), 400)
        prompt = build_prompt(chat.messages, chat.tool_names)
        limit = chat.max_completion_tokens or chat.max_tokens or MAX_REPLY_TOKENS
        reply = Reply(engine.complete(prompt, temperature=chat.temperature, max_tokens=limit))
        # A StreamingResponse in both cases, because it cancels the completion when the client goes away.
        if chat.stream:
            return StreamingResponse(_events(reply, chat.stream_options.include_usage), media_type="text/event-stream")
        return StreamingResponse(_whole(reply), media_type="application/json")

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "model": wire.MODEL_NAME})

    return Starlette(
        routes=[Route("/v1/chat/completions", complete, methods=["POST"]), Route("/health", health, methods=["GET"])]
    )


async def _events(reply: Reply, include_usage: bool) -> AsyncGenerator[str, None]:
    completion_id = _new_id()
    async for delta in reply.deltas():
        yield _event(wire.chunk(completion_id, delta))
    yield _event(wire.chunk(completion_id, None, reply.finish_reason))
    if include_usage and reply.usage:
        yield _event(wire.usage_chunk(completion_id, reply.usage))
    yield "data: [DONE]\n\n"


async def _whole(reply: Reply) -> AsyncGenerator[str, None]:
    message: wire.Delta = {"role": "assistant", "content": None}
    async for delta in reply.deltas():
        if text := delta.pop("content", None):
            message["content"] = (message["content"] or "") + text
        message |= delta
    yield json.dumps(wire.completion(_new_id(), message, reply.finish_reason, reply.usage or {}))


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"


def _may_be_call(text: str) -> bool:
    return text.startswith(CALL_START) or CALL_START.startswith(text)


def _tool_call(expression: str) -> dict[str, Any]:
    function = {"name": TOOL, "arguments": json.dumps({"expression": expression})}
    return {"index": 0, "id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}
