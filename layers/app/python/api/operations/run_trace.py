"""GET /runs/{run_id}/trace: what a run did, and when."""

from datetime import datetime
from typing import cast

from api import run_answers
from api.call import Call
from api.found_run import find_run
from api.operation import Operation
from api.operations.runs import RUN_ID_EXAMPLE
from api.parameters import RUN_ID
from api.response import Response, json_response
from api.settings import ModelPrice, Settings
from session_store.errors import RunNotFoundError
from session_store.records import RunRecord
from session_store.trace import Span, StoredTrace, parse_trace

_MILLION = 1_000_000


def read_trace(call: Call) -> Response:
    found = find_run(call, call[RUN_ID])
    if isinstance(found, RunRecord):
        return json_response(_describe(found, call.settings))
    return json_response(_dump(found.run_id, found.status, None, StoredTrace([]), call.settings))


def _describe(record: RunRecord, settings: Settings) -> run_answers.RunTrace:
    stored = parse_trace(record.trace) if record.trace else StoredTrace([])
    ended = stored._replace(spans=_end_commit(stored.spans, record))
    return _dump(record.run_id, record.status, record.started_at, ended, settings)


def _end_commit(spans: list[Span], record: RunRecord) -> list[Span]:
    """The commit's end, by the database's clock: a trace is written with the commit, before that has ended."""
    begun = next((span.end_ms for span in spans if span.kind == "restore"), None)
    if not spans or spans[-1].kind != "commit" or begun is None or record.finished_at is None:
        return spans
    lasted = datetime.fromisoformat(record.finished_at) - datetime.fromisoformat(record.started_at)
    end_ms = max(spans[-1].start_ms, round(begun + lasted.total_seconds() * 1000, 1))
    return [*spans[:-1], spans[-1]._replace(end_ms=end_ms)]


def _dump(
    run_id: str, status: run_answers.Status, started_at: str | None, trace: StoredTrace, settings: Settings
) -> run_answers.RunTrace:
    spans = [_dump_span(span, settings) for span in trace.spans]
    ends = [span["end_ms"] or span["start_ms"] for span in spans]
    costs = [span["cost_dollars"] for span in spans if span["kind"] == "model"]
    is_priced = bool(costs) and None not in costs and not trace.omitted
    return {
        "run_id": run_id,
        "status": status,
        "started_at": started_at,
        "total_ms": max(ends, default=None),
        "spans": spans,
        "omitted": trace.omitted,
        "cost_dollars": round(sum(cost or 0 for cost in costs), 9) if is_priced else None,
    }


def _dump_span(span: Span, settings: Settings) -> run_answers.TraceSpan:
    price = settings.model_prices.get(span.name) if span.kind == "model" else None
    return cast(run_answers.TraceSpan, {**span._asdict(), "cost_dollars": _cost(span, price) if price else None})


def _cost(span: Span, price: ModelPrice) -> float:
    dollars = (span.input_tokens or 0) * price.input + (span.output_tokens or 0) * price.output
    return round(dollars / _MILLION, 9)


def _example_span(kind: str, name: str, start_ms: float, end_ms: float, **figures: object) -> dict[str, object]:
    return {
        "kind": kind,
        "name": name,
        "node": None,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "status": None,
        "first_token_ms": None,
        "input_tokens": None,
        "output_tokens": None,
        "cost_dollars": None,
        **figures,
    }


_MODEL = "global.anthropic.claude-sonnet-4-6"
OPERATIONS = (
    Operation(
        operation_id="readRunTrace",
        method="GET",
        path="/runs/{run_id}/trace",
        handle=read_trace,
        summary="Read what a run did, and when",
        description="Calls of models and tools, nodes of a Graph or a Swarm, and what was written: no words but names.",
        parameters=[RUN_ID],
        answer=run_answers.RunTrace,
        example={
            "run_id": RUN_ID_EXAMPLE,
            "status": "completed",
            "started_at": "2026-11-22T10:00:00+00:00",
            "total_ms": 1908.4,
            "spans": [
                _example_span("restore", "restore", 0, 2.1),
                _example_span(
                    "model",
                    _MODEL,
                    2.6,
                    1904.2,
                    status="end_turn",
                    first_token_ms=310.5,
                    input_tokens=412,
                    output_tokens=9,
                    cost_dollars=0.001371,
                ),
                _example_span("commit", "commit", 1904.9, 1908.4),
            ],
            "omitted": 0,
            "cost_dollars": 0.001371,
        },
        errors=[RunNotFoundError],
    ),
)
