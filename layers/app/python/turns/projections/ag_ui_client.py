"""AG-UI's events for one of its own clients, which has sent a `RunAgentInput` and holds a list of messages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turns.answer import Interrupt
from turns.events import (
    Event,
    MessageDropped,
    ReasoningDelta,
    ReasoningStarted,
    TextDelta,
    TextStarted,
    ToolCallDelta,
    ToolCallResult,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
)
from turns.frontend_input import find_call
from turns.projections.ag_ui import dump_event
from turns.projections.ag_ui_messages import dump_events

PROTOCOL_VERSION = "1.0"


@dataclass
class AgUiClient:
    """run_id: the client's own. messages: its list. answered: the tool calls of which that has the results."""

    run_id: str
    messages: Sequence[Mapping[str, Any]]
    answered: Collection[str] = ()
    declares_version: bool = False
    _shown: list[Event] = field(default_factory=list[Event], init=False)

    def dump(self, event: Event) -> dict[str, Any] | None:
        """None for a result that the client itself has sent."""
        match event:
            case TurnStarted(session_id):
                version = {"protocolVersion": PROTOCOL_VERSION} if self.declares_version else {}
                return {"type": "RUN_STARTED", "threadId": session_id, "runId": self.run_id, **version}
            case TurnFinished():
                return self._dump_finished(event)
            case MessageDropped(message_id):
                return self._forget(message_id)
            case ToolCallResult(tool_call_id=call_id) if call_id in self.answered:
                return None
            case _:
                self._shown.append(event)
                return dump_event(event)

    def _dump_finished(self, event: TurnFinished) -> dict[str, Any]:
        """A call to the client's own tool is no question to a human: the run is a success that leaves it to be made."""
        interrupts = event.answer.get("interrupts", [])
        calls = [call for interrupt in interrupts if (call := find_call(interrupt))]
        finished = {**(dump_event(_without_calls(event, interrupts)) or {}), "runId": self.run_id}
        if "outcome" in finished or not calls or not self.declares_version:
            return finished  # clients before 1.0 refuse an outcome with a member that they do not know
        return {**finished, "outcome": {"type": "success", "pendingToolCallIds": calls}}

    def _forget(self, message_id: str) -> dict[str, Any]:
        """Stock clients know no event that takes a message back, but a snapshot is all that there is."""
        started = [event for event in self._shown if isinstance(event, ToolCallStarted)]
        calls = {call.tool_call_id for call in started if call.message_id == message_id}
        self._shown = [event for event in self._shown if not _belongs(event, message_id, calls)]
        return {"type": "MESSAGES_SNAPSHOT", "messages": [*self.messages, *dump_events(self._shown)]}


def dump_snapshot(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"type": "MESSAGES_SNAPSHOT", "messages": [*messages]}


def _without_calls(event: TurnFinished, interrupts: Sequence[Interrupt]) -> TurnFinished:
    asked = [interrupt for interrupt in interrupts if not find_call(interrupt)]
    answer = {name: value for name, value in event.answer.items() if name != "interrupts"}
    return event._replace(answer=answer | ({"interrupts": asked} if asked else {}))  # pyright: ignore[reportArgumentType]


def _belongs(event: Event, message_id: str, calls: Collection[str]) -> bool:
    match event:
        case TextStarted() | TextDelta() | ReasoningStarted() | ReasoningDelta():
            return event.message_id == message_id
        case ToolCallStarted() | ToolCallDelta():
            return event.tool_call_id in calls
        case _:
            return False
