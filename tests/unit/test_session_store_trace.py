"""Spans of a run: gathered, bounded, and read again."""

import json
import threading

import pytest

from session_store.codec import parse_record
from session_store.document import Document
from session_store.errors import InvalidInputError
from session_store.records import RunOutcome
from session_store.trace import MAXIMUM_BYTES, Trace, parse_trace

A_SPAN = ["tool", "look", None, 1.5, 2, "success"]


def test_spans_come_back_in_the_order_of_their_starts() -> None:
    trace = Trace()
    trace.start("a", "node", "writer")
    trace.start("b", "model", "m", "writer")
    trace.end("b", "end_turn", waited_ms=0.25, input_tokens=7, output_tokens=2)
    trace.start("b", "tool", "look", "writer")
    node, model, tool = parse_trace(trace.dump()).spans
    assert (node.kind, node.name, node.node, node.end_ms) == ("node", "writer", None, None)
    assert (model.name, model.node, model.status) == ("m", "writer", "end_turn")
    assert (model.input_tokens, model.output_tokens) == (7, 2)
    assert node.start_ms == 0 <= model.start_ms < (model.first_token_ms or 0)
    assert (model.end_ms or 0) <= tool.start_ms


def test_what_is_open_is_not_opened_twice_and_what_is_closed_stays_so() -> None:
    trace = Trace()
    for name in ("first", "second"):
        trace.start("key", "tool", name)
    for status in ("success", "error"):
        trace.end("key", status)
    (span,) = parse_trace(trace.dump()).spans
    assert (span.name, span.status) == ("first", "success")


def test_a_long_trace_lacks_its_middle_and_says_how_much() -> None:
    trace = Trace()
    for number in range(2000):
        trace.start(number, "tool", f"tool {number}")
    text = trace.dump()
    kept = parse_trace(text)
    assert MAXIMUM_BYTES * 0.9 < len(text.encode()) <= MAXIMUM_BYTES
    assert len(kept.spans) + kept.omitted == 2000
    assert (kept.spans[0].name, kept.spans[-1].name) == ("tool 0", "tool 1999")


@pytest.mark.parametrize("name", ["x" * 100_000, "\ud800", "\0<img src=//evil>", "🦜" * 300])
def test_whatever_a_model_calls_a_tool_is_kept_short_and_storable(name: str) -> None:
    trace = Trace()
    for number in range(100):
        trace.start(number, "tool", name, name)
        trace.end(number, name)
    text = trace.dump()
    assert len(text.encode()) <= MAXIMUM_BYTES
    span = parse_trace(text).spans[0]
    assert span.name.encode().decode() == span.node == span.status
    assert len(span.name) <= 100


@pytest.mark.parametrize("count", [None, -1, 1.5, True, "many", 2**60])
def test_tokens_that_are_no_number_are_not_kept(count: object) -> None:
    trace = Trace()
    trace.start("m", "model", "m")
    trace.end("m", "end_turn", input_tokens=count)
    assert parse_trace(trace.dump()).spans[0].input_tokens is None


def test_threads_may_add_while_it_is_read() -> None:
    trace = Trace()

    def add(thread: int) -> None:
        for number in range(200):
            trace.start((thread, number), "tool", "t")
            trace.end((thread, number))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        parse_trace(trace.dump())
    kept = parse_trace(trace.dump())
    assert len(kept.spans) + kept.omitted == 800


@pytest.mark.parametrize(
    "trace",
    [
        [],
        {},
        {"spans": 1},
        {"spans": [], "omitted": "some"},
        {"spans": [], "words": "secret"},
        {"spans": ["tool"]},
        {"spans": [A_SPAN[:3]]},
        {"spans": [[*A_SPAN, None, None, None, None]]},
        {"spans": [["other", *A_SPAN[1:]]]},
        {"spans": [[["tool"], *A_SPAN[1:]]]},
        {"spans": [["tool", None, None, 1]]},
        {"spans": [["tool", "look", None, -1]]},
        {"spans": [["tool", "look", None, True]]},
        {"spans": [["model", "m", None, 1, 2, None, None, 1.5]]},
        {"spans": [["tool", "x" * MAXIMUM_BYTES, None, 1]]},
    ],
)
def test_a_client_cannot_store_what_is_no_trace(trace: object) -> None:
    document = Document.parse(json.dumps({"status": "failed", "trace": trace}))
    with pytest.raises(InvalidInputError, match="trace"):
        parse_record(RunOutcome, document)


def test_a_clients_trace_is_stored_as_it_stands() -> None:
    text = json.dumps({"omitted": 3, "spans": [A_SPAN]}, indent=1)
    document = Document.parse(f'{{"status": "failed", "trace": {text}}}')
    assert parse_record(RunOutcome, document).trace == text
