"""Events as a run keeps them, for those who join it later: a JSON array for each, of its kind and its fields."""

import json
from typing import Any

from session_store.raw_json import DECODER
from turns import events
from turns.events import Event

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        events.TurnStarted,
        events.StepStarted,
        events.StepFinished,
        events.TextStarted,
        events.TextDelta,
        events.TextEnded,
        events.ReasoningStarted,
        events.ReasoningDelta,
        events.ReasoningEnded,
        events.ToolCallStarted,
        events.ToolCallDelta,
        events.ToolCallEnded,
        events.ToolCallResult,
        events.MessageDropped,
        events.StateSnapshot,
        events.StateDelta,
        events.TurnFinished,
        events.TurnFailed,
    )
}


def dump_event(event: Event) -> str:
    """In ASCII, since the text of a model may have no UTF-8."""
    return json.dumps([type(event).__name__, *event], separators=(",", ":"), allow_nan=False)


def parse_events(text: str) -> list[Event]:
    """Of a batch, in order."""
    return [_KINDS[name](*fields) for name, *fields in DECODER.decode(text)]
