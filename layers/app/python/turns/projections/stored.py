"""Events as a run keeps them, for those who join it later: a JSON array for each, of its kind and its fields.

Pieces of one text that follow each other share an array, `["TextDelta", id, piece, piece]`: a sixth of the size.
"""

import json
from collections.abc import Hashable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from session_store.raw_json import DECODER, dump_list
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


_PIECES = (events.TextDelta, events.ReasoningDelta, events.ToolCallDelta)


class DumpedEvent(NamedTuple):
    """An array without its end. piece: of a text, else empty; all pieces of that text have the same head."""

    head: str
    piece: str = ""


def dump_event(event: Event) -> DumpedEvent:
    """In ASCII, since the text of a model may have no UTF-8."""
    if isinstance(event, _PIECES):
        return DumpedEvent(_dump([type(event).__name__, event[0]])[:-1], "," + _dump(event[1]))
    return DumpedEvent(_dump([type(event).__name__, *event])[:-1])


def dump_batch(dumped: Iterable[DumpedEvent]) -> str:
    return dump_list(_join(list(together)) for _, together in groupby(dumped, _find_text))


def parse_events(text: str) -> list[Event]:
    """Of a batch, in order."""
    return [event for name, *fields in DECODER.decode(text) for event in _parse(_KINDS[name], fields)]


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _find_text(dumped: DumpedEvent) -> Hashable:
    """What only pieces of one text have in common."""
    return dumped.head if dumped.piece else object()


def _join(together: list[DumpedEvent]) -> str:
    return together[0].head + "".join(dumped.piece for dumped in together) + "]"


def _parse(kind: Any, fields: list[Any]) -> Iterator[Event]:
    if kind in _PIECES:
        return (kind(fields[0], piece) for piece in fields[1:])
    return iter([kind(*fields)])
