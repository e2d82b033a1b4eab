"""Server-sent events in the vocabulary of AG-UI, docs.ag-ui.com/concepts/events; thread is the session, run the run."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from session_store.encoding import encode
from turns.answer import Interrupt
from turns.events import (
    Event,
    MessageDropped,
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
    TurnStarted,
)

MEDIA_TYPE = "text/event-stream"
# API Gateway ends a stream that is silent for 5 minutes, an edge-optimized one for 30 s; proxies between are stricter.
# Whether one is due is looked at after each of the engine's pauses, so that at most 12 s pass.
HEARTBEAT_SECONDS = 8.0
# One line, not an event: behind an empty line, some clients deliver an event without data.
HEARTBEAT = ": heartbeat\n"
RESTARTED = "answer_restarted"
"""Name of the custom event that says: forget the message that it names, with its tool calls; the answer starts over."""


def frames(
    turn: Turn,
    explain: Callable[[Exception], TurnFailed],
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    *,
    first_number: int = 1,
) -> Iterator[str]:
    """One frame an event, with ids from `first_number`; what breaks midway is a `RUN_ERROR`, as `explain` has it."""
    numbers = itertools.count(first_number)
    try:
        for event in _heartbeats(turn.events, heartbeat_seconds):
            yield HEARTBEAT if event is None else _frame(next(numbers), _dump(event))
    except Exception as error:  # noqa: BLE001 - the caller reads of it, and the service logs it
        yield _frame(next(numbers), _dump(explain(error)))


def _heartbeats(events: Iterator[Event | None], seconds: float) -> Iterator[Event | None]:
    """All events, and None once none came for `seconds`."""
    latest = time.monotonic()
    for event in events:
        if event is not None or time.monotonic() - latest >= seconds:
            yield event
            latest = time.monotonic()


def _frame(number: int, event: dict[str, Any]) -> str:
    return f"id: {number}\ndata: {encode('event', event)}\n\n"


def _dump(event: Event) -> dict[str, Any]:
    match event:
        case TurnStarted(session_id, run_id):
            return {"type": "RUN_STARTED", "threadId": session_id, "runId": run_id}
        case StepStarted(name):
            return {"type": "STEP_STARTED", "stepName": name}
        case StepFinished(name):
            return {"type": "STEP_FINISHED", "stepName": name}
        case TurnFinished():
            return _dump_finished(event)
        case TurnFailed(code, message):
            return {"type": "RUN_ERROR", "message": message, "code": code}
        case TextStarted() | TextDelta() | TextEnded() | MessageDropped():
            return _dump_text(event)
        case _:
            return _dump_tool(event)


def _dump_text(event: TextStarted | TextDelta | TextEnded | MessageDropped) -> dict[str, Any]:
    message = {"messageId": event.message_id}
    match event:
        case TextStarted():
            speaker = {"name": event.step} if event.step else {}
            return {"type": "TEXT_MESSAGE_START", **message, "role": "assistant", **speaker}
        case TextDelta():
            return {"type": "TEXT_MESSAGE_CONTENT", **message, "delta": _printable(event.text)}
        case TextEnded():
            return {"type": "TEXT_MESSAGE_END", **message}
        case MessageDropped():
            return {"type": "CUSTOM", "name": RESTARTED, "value": message}


def _dump_tool(event: ToolCallStarted | ToolCallDelta | ToolCallEnded | ToolCallResult) -> dict[str, Any]:
    call: dict[str, Any] = {"toolCallId": event.tool_call_id}
    match event:
        case ToolCallStarted():
            name = {"toolCallName": event.tool_name, "parentMessageId": event.message_id}
            return {"type": "TOOL_CALL_START", **call, **name}
        case ToolCallDelta():
            return {"type": "TOOL_CALL_ARGS", **call, "delta": _printable(event.arguments)}
        case ToolCallEnded():
            return {"type": "TOOL_CALL_END", **call}
        case ToolCallResult():
            result = {"messageId": event.message_id, "content": _printable(event.content), "role": "tool"}
            return {"type": "TOOL_CALL_RESULT", **call, **result}


def _dump_finished(event: TurnFinished) -> dict[str, Any]:
    """Without an outcome that says that it waits for a human, AG-UI takes the run for a success."""
    answer = event.answer
    result = {**answer, "timings": event.timings} if event.timings else answer
    finished = {"type": "RUN_FINISHED", "threadId": answer["session_id"], "runId": answer["run_id"], "result": result}
    interrupts = answer.get("interrupts")
    return {**finished, "outcome": _dump_waiting(interrupts)} if interrupts else finished


def _dump_waiting(interrupts: Sequence[Interrupt]) -> dict[str, Any]:
    """AG-UI's reason is a kind of question, which Strands calls its name; Strands' reason may be any JSON."""
    asked = [
        {"id": each["id"], "reason": each["name"], "metadata": {"reason": each.get("reason")}} for each in interrupts
    ]
    return {"type": "interrupt", "interrupts": asked}


def _printable(text: str) -> str:
    """Lone surrogates have no UTF-8, and AG-UI's own models refuse them."""
    return text.encode(errors="replace").decode()
