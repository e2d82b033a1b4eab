"""Events in the form in which a run keeps them."""

from session_store.raw_json import DECODER
from turns.events import Event, StepStarted, TextDelta, TextStarted, ToolCallDelta, TurnFailed
from turns.projections.stored import dump_batch, dump_event, parse_events

EVENTS: list[Event] = [
    TextStarted("m"),
    TextDelta("m", "one"),
    TextDelta("m", ""),
    TextDelta("m", ' "two" \ud800'),
    TextDelta("n", "other"),
    ToolCallDelta("m", "{}"),
    StepStarted("s"),
    StepStarted("s"),
    TextDelta("m", "again"),
    TurnFailed("code", "words"),
]


def test_a_batch_is_read_as_it_was_written() -> None:
    assert parse_events(dump_batch(map(dump_event, EVENTS))) == EVENTS
    assert parse_events(dump_batch([])) == []


def test_pieces_of_one_text_share_an_array() -> None:
    pieces = DECODER.decode(dump_batch(map(dump_event, EVENTS[1:4])))
    assert pieces == [["TextDelta", "m", "one", "", ' "two" \ud800']]
