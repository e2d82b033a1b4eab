"""Server-sent events in the vocabulary of AG-UI, docs.ag-ui.com/concepts/events; thread is the session, run the run."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from session_store.encoding import encode
from turns.answer import Interrupt
from turns.events import (
    Event,
    MessageDropped,
    ReasoningDelta,
    ReasoningEnded,
    ReasoningStarted,
    StateDelta,
    StateSnapshot,
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
from turns.projections.heartbeats import HEARTBEAT, HEARTBEAT_SECONDS, with_heartbeats
from turns.projections.printable import printable

MEDIA_TYPE = "text/event-stream"
RESTARTED = "answer_restarted"
"""Name of the custom event that says: forget the message that it names, with its tool calls; the answer starts over."""


Dump = Callable[[Event], dict[str, Any] | None]


def frames(
    turn: Turn,
    explain: Callable[[Exception], TurnFailed],
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    *,
    first_number: int = 1,
    dump: Dump | None = None,
) -> Iterator[str]:
    """One frame an event, with ids from `first_number`; what breaks midway is a `RUN_ERROR`, as `explain` has it.

    dump: in place of `dump_event`; where it has None for an event, its frame is empty.
    """
    numbers, dump = itertools.count(first_number), dump or dump_event
    try:
        for event in with_heartbeats(turn.events, heartbeat_seconds):
            if frame := HEARTBEAT if event is None else dump_frame(next(numbers), dump(event)):
                yield frame
    except Exception as error:  # noqa: BLE001 - the caller reads of it, and the service logs it
        yield dump_frame(next(numbers), dump(explain(error)))


def dump_frame(number: int, event: dict[str, Any] | None) -> str:
    return f"id: {number}\ndata: {encode('event', event)}\n\n" if event is not None else ""


def dump_event(event: Event) -> dict[str, Any]:
    match event:
        case TurnStarted() | TurnFinished() | TurnFailed():
            return _dump_run(event)
        case StepStarted(name):
            return {"type": "STEP_STARTED", "stepName": name}
        case StepFinished(name):
            return {"type": "STEP_FINISHED", "stepName": name}
        case StateSnapshot() | StateDelta():
            return _dump_state(event)
        case TextStarted() | TextDelta() | TextEnded() | MessageDropped():
            return _dump_text(event)
        case ReasoningStarted() | ReasoningDelta() | ReasoningEnded():
            return _dump_reasoning(event)
        case _:
            return _dump_tool(event)


def _dump_run(event: TurnStarted | TurnFinished | TurnFailed) -> dict[str, Any]:
    match event:
        case TurnStarted(session_id, run_id):
            return {"type": "RUN_STARTED", "threadId": session_id, "runId": run_id}
        case TurnFinished():
            return _dump_finished(event)
        case TurnFailed(code, message):
            return {"type": "RUN_ERROR", "message": message, "code": code}


def _dump_state(event: StateSnapshot | StateDelta) -> dict[str, Any]:
    if isinstance(event, StateSnapshot):
        return {"type": "STATE_SNAPSHOT", "snapshot": event.state}
    return {"type": "STATE_DELTA", "delta": event.operations}


def _dump_text(event: TextStarted | TextDelta | TextEnded | MessageDropped) -> dict[str, Any]:
    message = {"messageId": event.message_id}
    match event:
        case TextStarted():
            speaker = {"name": event.step} if event.step else {}
            return {"type": "TEXT_MESSAGE_START", **message, "role": "assistant", **speaker}
        case TextDelta():
            return {"type": "TEXT_MESSAGE_CONTENT", **message, "delta": printable(event.text)}
        case TextEnded():
            return {"type": "TEXT_MESSAGE_END", **message}
        case MessageDropped():
            return {"type": "CUSTOM", "name": RESTARTED, "value": message}


def _dump_reasoning(event: ReasoningStarted | ReasoningDelta | ReasoningEnded) -> dict[str, Any]:
    message = {"messageId": event.message_id}
    match event:
        case ReasoningStarted():
            return {"type": "REASONING_MESSAGE_START", **message, "role": "reasoning"}
        case ReasoningDelta():
            return {"type": "REASONING_MESSAGE_CONTENT", **message, "delta": printable(event.text)}
        case ReasoningEnded():
            return {"type": "REASONING_MESSAGE_END", **message}


def _dump_tool(event: ToolCallStarted | ToolCallDelta | ToolCallEnded | ToolCallResult) -> dict[str, Any]:
    call: dict[str, Any] = {"toolCallId": event.tool_call_id}
    match event:
        case ToolCallStarted():
            name = {"toolCallName": event.tool_name, "parentMessageId": event.message_id}
            return {"type": "TOOL_CALL_START", **call, **name}
        case ToolCallDelta():
            return {"type": "TOOL_CALL_ARGS", **call, "delta": printable(event.arguments)}
        case ToolCallEnded():
            return {"type": "TOOL_CALL_END", **call}
        case ToolCallResult():
            result = {"messageId": event.message_id, "content": printable(event.content), "role": "tool"}
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
