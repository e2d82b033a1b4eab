"""Strands' stream in the AG-UI event vocabulary."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ag_ui.core import (
    BaseEvent,
    CustomEvent,
    Interrupt,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
)

RESTARTED = "answer_restarted"
"""Name of the custom event that says: the model was throttled midway and starts over.

Forget the message that it names, with its tool calls."""


class StreamEvents:
    """Turns the Strands events of one run into AG-UI events; thread is the session, run the run."""

    def __init__(self, session_id: str, run_id: str) -> None:
        self._session_id = session_id
        self._run_id = run_id
        self._message_id = _new_id()
        self._told_message = False
        self._open_text = False
        self._open_tool_call: str | None = None

    def started(self) -> BaseEvent:
        return RunStartedEvent(thread_id=self._session_id, run_id=self._run_id)

    def finished(self, result: dict[str, Any]) -> BaseEvent:
        """`result` may have `interrupts`: without an outcome that says so, AG-UI takes the run for a success."""
        outcome = _waiting(result["interrupts"]) if result.get("interrupts") else None
        return RunFinishedEvent(thread_id=self._session_id, run_id=self._run_id, result=result, outcome=outcome)

    def whole(self, text: str) -> Iterator[BaseEvent]:
        """An answer that is known already, as for a repeated idempotency key."""
        yield from self._text(text)
        yield from self._close()

    def translate(self, event: dict[str, Any]) -> Iterator[BaseEvent]:
        if "event" in event:
            yield from self._chunk(event["event"])
        elif event.get("message", {}).get("role") == "user":
            yield from _tool_results(event["message"])

    def _chunk(self, chunk: dict[str, Any]) -> Iterator[BaseEvent]:
        if "messageStart" in chunk:
            yield from self._start_message()
        elif "contentBlockStart" in chunk:
            yield from self._start_block(chunk["contentBlockStart"].get("start", {}))
        elif "contentBlockDelta" in chunk:
            yield from self._delta(chunk["contentBlockDelta"]["delta"])
        elif "contentBlockStop" in chunk and self._open_tool_call:
            yield from self._close_tool_call()
        elif "messageStop" in chunk:
            yield from self._close()

    def _start_message(self) -> Iterator[BaseEvent]:
        """One that was told of and has not stopped is dropped, its finished tool calls too: the model was throttled."""
        dropped = self._message_id if self._told_message else None
        yield from self._close()
        self._message_id = _new_id()
        if dropped:
            yield CustomEvent(name=RESTARTED, value={"messageId": dropped})

    def _start_block(self, start: dict[str, Any]) -> Iterator[BaseEvent]:
        if "toolUse" in start:
            self._told_message = True
            self._open_tool_call = start["toolUse"]["toolUseId"]
            yield ToolCallStartEvent(
                tool_call_id=start["toolUse"]["toolUseId"],
                tool_call_name=start["toolUse"]["name"],
                parent_message_id=self._message_id,
            )

    def _delta(self, delta: dict[str, Any]) -> Iterator[BaseEvent]:
        if delta.get("text"):
            yield from self._text(delta["text"])
        elif self._open_tool_call and delta.get("toolUse", {}).get("input"):
            yield ToolCallArgsEvent(tool_call_id=self._open_tool_call, delta=_clean(delta["toolUse"]["input"]))

    def _text(self, text: str) -> Iterator[BaseEvent]:
        if not text:
            return
        if not self._open_text:
            self._told_message = self._open_text = True
            yield TextMessageStartEvent(message_id=self._message_id)
        yield TextMessageContentEvent(message_id=self._message_id, delta=_clean(text))

    def _close(self) -> Iterator[BaseEvent]:
        self._told_message = False
        yield from self._close_tool_call()
        if self._open_text:
            self._open_text = False
            yield TextMessageEndEvent(message_id=self._message_id)

    def _close_tool_call(self) -> Iterator[BaseEvent]:
        if self._open_tool_call:
            yield ToolCallEndEvent(tool_call_id=self._open_tool_call)
            self._open_tool_call = None


def _waiting(interrupts: Sequence[Mapping[str, Any]]) -> RunFinishedInterruptOutcome:
    """AG-UI's reason is a kind of question, which Strands calls its name; Strands' reason may be any JSON."""
    return RunFinishedInterruptOutcome(
        interrupts=[
            Interrupt(id=each["id"], reason=each["name"], metadata={"reason": each.get("reason")})
            for each in interrupts
        ]
    )


def _tool_results(message: dict[str, Any]) -> Iterator[BaseEvent]:
    for block in message["content"]:
        if "toolResult" in block:
            result = block["toolResult"]
            yield ToolCallResultEvent(
                message_id=message.get("tracking_id") or _new_id(),
                tool_call_id=result["toolUseId"],
                content=_clean("\n".join(_readable(content) for content in result["content"])),
            )


def _readable(content: dict[str, Any]) -> str:
    if "text" in content:
        return content["text"]
    if "json" in content:
        return json.dumps(content["json"], ensure_ascii=False, default=str)
    return f"[{next(iter(content), 'empty')}]"


def _clean(text: str) -> str:
    """Lone surrogates have no UTF-8, and pydantic refuses them."""
    return text.encode(errors="replace").decode()


def _new_id() -> str:
    return uuid.uuid4().hex
