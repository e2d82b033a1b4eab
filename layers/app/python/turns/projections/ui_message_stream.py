"""The UI message stream of Vercel's AI SDK, for `useChat`: ai-sdk.dev/docs/ai-sdk-ui/stream-protocol.

One message of the client's is all that a turn says; each message of the model's is a step in it.
"""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from session_store.encoding import encode
from session_store.interrupts import is_of_tool
from turns.answer import Interrupt
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
    Turn,
    TurnFailed,
    TurnFinished,
)
from turns.frontend_input import find_call
from turns.message_ids import own_id
from turns.projections.heartbeats import HEARTBEAT, HEARTBEAT_SECONDS, with_heartbeats
from turns.projections.printable import printable

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
DONE = "data: [DONE]\n\n"
Chunk = dict[str, Any]

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "content_filtered": "content-filter",
    "guardrail_intervened": "content-filter",
    "tool_use": "tool-calls",
    "interrupt": "tool-calls",
}


def frames(
    turn: Turn,
    explain: Callable[[Exception], TurnFailed],
    stream: "UiMessageStream",
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> Iterator[str]:
    try:
        for event in with_heartbeats(turn.events, heartbeat_seconds):
            if event is None:
                yield HEARTBEAT
            else:
                yield from map(_frame, stream.dump(event))
    except Exception as error:  # noqa: BLE001 - the caller reads of it, and the service logs it
        yield from map(_frame, stream.dump(explain(error)))
    yield DONE


def _frame(chunk: Chunk) -> str:
    return f"data: {encode('chunk', chunk)}\n\n"


@dataclass
class UiMessageStream:
    """continued_id: of the client's message that the turn goes on with. answered: the tool calls that it answers."""

    continued_id: str | None = None
    answered: Collection[str] = ()
    _is_started: bool = field(default=False, init=False)
    _step_id: str | None = field(default=None, init=False)
    _is_reset: bool = field(default=False, init=False)
    _inputs: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]], init=False)

    def dump(self, event: Event) -> Iterator[Chunk]:
        match event:
            case TextStarted() | ReasoningStarted() | ToolCallStarted():
                yield from self._begin_step(own_id(event.message_id))
                yield from self._dump_part(event)
            case MessageDropped(message_id):
                yield from self._drop(own_id(message_id))
            case StepStarted(name) | StepFinished(name):
                status = "started" if isinstance(event, StepStarted) else "finished"
                yield {"type": "data-step", "id": name, "data": {"name": name, "status": status}}
            case TurnFinished():
                yield from self._finish(event)
            case TurnFailed(code, message):
                yield from self._start(None)
                yield {"type": "abort"} if code == "run_cancelled" else {"type": "error", "errorText": message}
            case _:
                yield from self._dump_part(event)

    def _start(self, message_id: str | None) -> Iterator[Chunk]:
        if not self._is_started:
            self._is_started = True
            known = self.continued_id or message_id
            yield {"type": "start", **({"messageId": known} if known else {})}

    def _begin_step(self, message_id: str) -> Iterator[Chunk]:
        yield from self._start(message_id)
        if message_id == self._step_id:
            return
        if self._is_reset:
            self._is_reset = False
        else:
            yield from self._end_step()
            yield {"type": "start-step"}
        self._step_id = message_id

    def _end_step(self) -> Iterator[Chunk]:
        if self._step_id:
            self._step_id = None
            yield {"type": "finish-step"}

    def _drop(self, message_id: str) -> Iterator[Chunk]:
        """The step is shown again: the next message of the model's goes on in it."""
        if message_id == self._step_id and not self._is_reset:
            self._is_reset = True
            yield {"type": "reset-step"}

    def _dump_part(self, event: Event) -> Iterator[Chunk]:
        match event:
            case TextStarted(message_id):
                yield {"type": "text-start", "id": message_id}
            case TextDelta(message_id, text):
                yield {"type": "text-delta", "id": message_id, "delta": printable(text)}
            case TextEnded(message_id):
                yield {"type": "text-end", "id": message_id}
            case ReasoningStarted(message_id):
                yield {"type": "reasoning-start", "id": message_id}
            case ReasoningDelta(message_id, text):
                yield {"type": "reasoning-delta", "id": message_id, "delta": printable(text)}
            case ReasoningEnded(message_id):
                yield {"type": "reasoning-end", "id": message_id}
            case _:
                yield from self._dump_tool(event)

    def _dump_tool(self, event: Event) -> Iterator[Chunk]:
        match event:
            case ToolCallStarted(call_id, name):
                self._inputs[call_id] = name, []
                yield {"type": "tool-input-start", "toolCallId": call_id, "toolName": name}
            case ToolCallDelta(call_id, arguments):
                self._inputs[call_id][1].append(arguments)
                yield {"type": "tool-input-delta", "toolCallId": call_id, "inputTextDelta": printable(arguments)}
            case ToolCallEnded(call_id):
                name, arguments = self._inputs[call_id]
                call = {"toolCallId": call_id, "toolName": name}
                yield {"type": "tool-input-available", **call, "input": parse_input("".join(arguments))}
            case ToolCallResult(tool_call_id=call_id) if call_id not in self.answered:
                yield from self._start(None)
                yield dump_result(event)
            case _:
                pass

    def _finish(self, event: TurnFinished) -> Iterator[Chunk]:
        answer = event.answer
        yield from self._start(None)
        for interrupt in answer.get("interrupts", ()):
            yield from dump_question(interrupt, self._inputs)
        if "structured_output" in answer:
            yield {"type": "data-structured-output", "data": answer["structured_output"]}
        yield from self._end_step()
        metadata = {"runId": answer["run_id"], "usage": answer["usage"]}
        reason = _FINISH_REASONS.get(answer["stop_reason"], "other")
        yield {"type": "finish", "finishReason": reason, "messageMetadata": metadata}


def parse_input(text: str) -> Any:
    """Of a tool call: what is no JSON stays text."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return printable(text)


def dump_result(event: ToolCallResult) -> Chunk:
    content = printable(event.content)
    if event.is_error:
        return {"type": "tool-output-error", "toolCallId": event.tool_call_id, "errorText": content}
    return {"type": "tool-output-available", "toolCallId": event.tool_call_id, "output": content}


def dump_question(interrupt: Interrupt, call_ids: Collection[str]) -> Iterator[Chunk]:
    """A call to a tool of the client's own asks nothing; what else an agent waits for is an approval, or data."""
    if find_call(interrupt):
        return
    asked = {"name": interrupt["name"], "reason": interrupt.get("reason")}
    call = next((call_id for call_id in call_ids if is_of_tool(interrupt["id"], call_id)), None)
    if call is None:
        yield {"type": "data-interrupt", "id": interrupt["id"], "data": asked}
    else:
        question = {"approvalId": interrupt["id"], "toolCallId": call, "approvalDescriptor": asked}
        yield {"type": "tool-approval-request", **question}
