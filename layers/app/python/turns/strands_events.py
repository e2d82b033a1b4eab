"""The events of Strands' stream as a turn's own."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from strands.agent.agent_result import AgentResult

from session_store.errors import ModelFailedError
from turns.answer import RunAnswer, read_text
from turns.events import (
    Event,
    MessageDropped,
    TextDelta,
    TextEnded,
    TextStarted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallResult,
    ToolCallStarted,
)


class StrandsEvents:
    """Translates the stream of one turn; keeps what of a message is open."""

    def __init__(self) -> None:
        self._message_id = _new_id()
        self._is_visible = False
        self._open_text = False
        self._open_tool_call: str | None = None

    def translate(self, event: dict[str, Any]) -> Iterator[Event]:
        if "event" in event:
            yield from self._chunk(event["event"])
        elif event.get("message", {}).get("role") == "user":
            yield from _tool_results(event["message"])

    def whole_text(self, text: str) -> Iterator[Event]:
        """An answer that is known already, as for a repeated idempotency key."""
        yield from self._text(text)
        yield from self._close()

    def _chunk(self, chunk: dict[str, Any]) -> Iterator[Event]:
        if "messageStart" in chunk:
            yield from self._start_message()
        elif "contentBlockStart" in chunk:
            yield from self._start_block(chunk["contentBlockStart"].get("start", {}))
        elif "contentBlockDelta" in chunk:
            yield from self._delta(chunk["contentBlockDelta"]["delta"])
        elif "contentBlockStop" in chunk:
            yield from self._close_tool_call()
        elif "messageStop" in chunk:
            yield from self._close()

    def _start_message(self) -> Iterator[Event]:
        """One that was begun and has not stopped is dropped, its finished tool calls too: the model was throttled."""
        dropped = self._message_id if self._is_visible else None
        yield from self._close()
        self._message_id = _new_id()
        if dropped:
            yield MessageDropped(dropped)

    def _start_block(self, start: dict[str, Any]) -> Iterator[Event]:
        if "toolUse" in start:
            self._is_visible = True
            self._open_tool_call = start["toolUse"]["toolUseId"]
            yield ToolCallStarted(start["toolUse"]["toolUseId"], start["toolUse"]["name"], self._message_id)

    def _delta(self, delta: dict[str, Any]) -> Iterator[Event]:
        if delta.get("text"):
            yield from self._text(delta["text"])
        elif self._open_tool_call and delta.get("toolUse", {}).get("input"):
            yield ToolCallDelta(self._open_tool_call, delta["toolUse"]["input"])

    def _text(self, text: str) -> Iterator[Event]:
        if not text:
            return
        if not self._open_text:
            self._is_visible = self._open_text = True
            yield TextStarted(self._message_id)
        yield TextDelta(self._message_id, text)

    def _close(self) -> Iterator[Event]:
        self._is_visible = False
        yield from self._close_tool_call()
        if self._open_text:
            self._open_text = False
            yield TextEnded(self._message_id)

    def _close_tool_call(self) -> Iterator[Event]:
        if self._open_tool_call:
            yield ToolCallEnded(self._open_tool_call)
            self._open_tool_call = None


def read_answer(result: AgentResult) -> RunAnswer:
    """Raises `ModelFailedError` for a message without content: stored, every later call of the model would fail."""
    if not result.message["content"]:
        raise ModelFailedError("the model gave an empty answer")
    usage = result.metrics.accumulated_usage
    answer: RunAnswer = {
        "response": read_text(result.message["content"]),
        "stop_reason": result.stop_reason,
        "usage": {
            "input_tokens": usage["inputTokens"],
            "output_tokens": usage["outputTokens"],
            "total_tokens": usage["totalTokens"],
        },
    }
    if result.interrupts:
        answer["interrupts"] = [{"id": it.id, "name": it.name, "reason": it.reason} for it in result.interrupts]
    return answer


def _tool_results(message: dict[str, Any]) -> Iterator[Event]:
    for block in message["content"]:
        if "toolResult" in block:
            result = block["toolResult"]
            content = "\n".join(_readable(item) for item in result["content"])
            yield ToolCallResult(message.get("tracking_id") or _new_id(), result["toolUseId"], content)


def _readable(content: dict[str, Any]) -> str:
    if "text" in content:
        return content["text"]
    if "json" in content:
        return json.dumps(content["json"], ensure_ascii=False, default=str)
    return f"[{next(iter(content), 'empty')}]"


def _new_id() -> str:
    return uuid.uuid4().hex
