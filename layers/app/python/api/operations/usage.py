"""GET /usage: what the caller has used."""

from api import run_answers
from api.call import Call
from api.operation import Operation, Parameter
from api.parameters import parse_whole_number
from api.response import Response, json_response
from api.settings import Settings

MAXIMUM_DAYS, DEFAULT_DAYS = 90, 30


def _parse_days(text: str | None, _: Settings) -> int:
    return DEFAULT_DAYS if text is None else parse_whole_number("days", text, 1, MAXIMUM_DAYS)


DAYS = Parameter(
    "days",
    "query",
    "How many days back, today included.",
    {"type": "integer", "minimum": 1, "maximum": MAXIMUM_DAYS, "default": DEFAULT_DAYS},
    _parse_days,
)


def read_usage(call: Call) -> Response:
    budget = call.settings.store.budget
    answer: run_answers.UsageReport = {
        "days": [_dump_day(*day) for day in call.store.usage.read(call.owner, call[DAYS])],
        "runs_per_minute": budget.runs_per_minute,
        "tokens_per_day": budget.tokens_per_day,
    }
    return json_response(answer)


def _dump_day(day: str, runs: int, input_tokens: int, output_tokens: int) -> run_answers.DayUsage:
    return {"day": day, "runs": runs, "input_tokens": input_tokens, "output_tokens": output_tokens}


OPERATIONS = (
    Operation(
        operation_id="readUsage",
        method="GET",
        path="/usage",
        handle=read_usage,
        summary="Read what you have used",
        description="Runs and tokens by day, in UTC, newest first; and what you may use, where that is limited.",
        parameters=[DAYS],
        answer=run_answers.UsageReport,
        example={
            "days": [{"day": "2026-11-22", "runs": 12, "input_tokens": 4120, "output_tokens": 310}],
            "runs_per_minute": None,
            "tokens_per_day": 1_000_000,
        },
    ),
)
