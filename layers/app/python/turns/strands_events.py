"""The events of Strands' stream as a turn's own."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from turns.events import (
    Event,
    MessageDropped,
    ReasoningDelta,
    ReasoningEnded,
    ReasoningStarted,
    StepFinished,
    StepStarted,
    TextDelta,
    TextEnded,
    TextStarted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallResult,
    ToolCallStarted,
)
from turns.message_ids import reasoning_id, result_id, text_id
from turns.tool_results import read_result


class StrandsEvents:
    """Translates the stream of one turn; keeps what of a message is open, and the nodes of a Graph or a Swarm.

    A message may show several texts, with tool calls between them. The first has the message's own id, the others, and
    all reasoning, one that begins with it: `message_ids`.
    """

    def __init__(self, step: str | None = None) -> None:
        self._step = step
        self._nodes: dict[str, StrandsEvents] = {}
        self._begin_message()

    def name_message(self, message: dict[str, Any]) -> None:
        """Give the model's message, which is complete now, the id that its events had."""
        message.setdefault("tracking_id", self._message_id)

    def translate(self, event: Mapping[str, Any]) -> Iterator[Event]:
        if "node_id" in event:
            yield from self._node(event)
        elif "type" in event:
            pass  # of a Graph or a Swarm as a whole
        elif "event" in event:
            yield from self._chunk(event["event"])
        elif event.get("message", {}).get("role") == "assistant":
            self._begin_message()  # the one before is part of the conversation now
        elif "message" in event:
            yield from _tool_results(event["message"])

    def whole_text(self, text: str, message_id: str | None) -> Iterator[Event]:
        """An answer that is known already, as for a repeated idempotency key."""
        self._message_id = message_id or self._message_id
        yield from self._text(text)
        yield from self._close_text()

    def close(self) -> Iterator[Event]:
        """End what is still open: nodes that wait for a human."""
        for name in list(self._nodes):
            yield from self._finish_step(name)

    def _begin_message(self) -> None:
        self._message_id = uuid.uuid4().hex
        self._texts = 0
        self._open_text: str | None = None
        self._open_tool_call: str | None = None
        self._visible: list[str] = []
        self._open_reasoning: str | None = None
        self._reasonings: list[str] = []

    def _node(self, event: Mapping[str, Any]) -> Iterator[Event]:
        name = f"{self._step}/{event['node_id']}" if self._step else event["node_id"]
        if event["type"] == "multiagent_node_start":
            self._nodes[name] = StrandsEvents(name)
            yield StepStarted(name)
        elif name in self._nodes and event["type"] == "multiagent_node_stream":
            yield from self._nodes[name].translate(event["event"])
        elif name in self._nodes:
            yield from self._finish_step(name)

    def _finish_step(self, name: str) -> Iterator[Event]:
        yield from self._nodes.pop(name).close()
        yield StepFinished(name)

    def _chunk(self, chunk: dict[str, Any]) -> Iterator[Event]:
        if "messageStart" in chunk:
            yield from self._start_message()
        elif "contentBlockStart" in chunk:
            yield from self._start_block(chunk["contentBlockStart"].get("start", {}))
        elif "contentBlockDelta" in chunk:
            yield from self._delta(chunk["contentBlockDelta"]["delta"])
        elif "contentBlockStop" in chunk:
            yield from self._close_tool_call()
            yield from self._close_reasoning()
        elif "messageStop" in chunk:
            yield from self._close_message()

    def _start_message(self) -> Iterator[Event]:
        """One that was begun and never became part of the conversation is dropped: the model was asked again."""
        dropped = [*self._reasonings, *self._visible]
        yield from self._close_message()
        self._begin_message()
        yield from map(MessageDropped, dropped)

    def _start_block(self, start: dict[str, Any]) -> Iterator[Event]:
        if "toolUse" in start:
            yield from self._close_reasoning()
            yield from self._close_text()
            self._show(self._message_id)
            self._open_tool_call = start["toolUse"]["toolUseId"]
            yield ToolCallStarted(start["toolUse"]["toolUseId"], start["toolUse"]["name"], self._message_id)

    def _delta(self, delta: dict[str, Any]) -> Iterator[Event]:
        if delta.get("text"):
            yield from self._text(delta["text"])
        elif self._open_tool_call and delta.get("toolUse", {}).get("input"):
            yield ToolCallDelta(self._open_tool_call, delta["toolUse"]["input"])
        elif text := delta.get("reasoningContent", {}).get("text"):
            yield from self._reasoning(text)

    def _reasoning(self, text: str) -> Iterator[Event]:
        if not self._open_reasoning:
            yield from self._close_text()
            self._open_reasoning = reasoning_id(self._message_id, len(self._reasonings) + 1)
            self._reasonings.append(self._open_reasoning)
            yield ReasoningStarted(self._open_reasoning)
        yield ReasoningDelta(self._open_reasoning, text)

    def _text(self, text: str) -> Iterator[Event]:
        if not text:
            return
        if not self._open_text:
            yield from self._close_reasoning()
            self._texts += 1
            self._open_text = text_id(self._message_id, self._texts, is_first=not self._visible)
            self._show(self._open_text)
            yield TextStarted(self._open_text, self._step)
        yield TextDelta(self._open_text, text)

    def _show(self, message_id: str) -> None:
        if message_id not in self._visible:
            self._visible.append(message_id)

    def _close_message(self) -> Iterator[Event]:
        yield from self._close_tool_call()
        yield from self._close_reasoning()
        yield from self._close_text()

    def _close_reasoning(self) -> Iterator[Event]:
        if self._open_reasoning:
            yield ReasoningEnded(self._open_reasoning)
            self._open_reasoning = None

    def _close_text(self) -> Iterator[Event]:
        if self._open_text:
            yield TextEnded(self._open_text)
            self._open_text = None

    def _close_tool_call(self) -> Iterator[Event]:
        if self._open_tool_call:
            yield ToolCallEnded(self._open_tool_call)
            self._open_tool_call = None


def _tool_results(message: dict[str, Any]) -> Iterator[Event]:
    """Each with an id of its own: the first has that of the message that holds them all."""
    message_id = message.get("tracking_id") or uuid.uuid4().hex
    results = [block["toolResult"] for block in message["content"] if "toolResult" in block]
    for number, result in enumerate(results, start=1):
        is_error = result.get("status") == "error"
        yield ToolCallResult(result_id(message_id, number), result["toolUseId"], read_result(result), is_error)
