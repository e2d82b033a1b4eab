"""What the routes of runs and of usage answer."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on

from session_store.records import RunStatus
from session_store.trace import Kind
from turns.answer import RunAnswer, Usage

Status = RunStatus | Literal["queued", "refused"]


class RunSummary(TypedDict):
    """One turn. `error_code` is that of the problem it ended with; `interrupted`: its process ended before it did.

    A run that was accepted by `POST /runs` is `queued`, without a session, until it begins; `refused`: it never will.
    `events` is where its stream can be read.
    """

    run_id: str
    session_id: str | None
    agent_id: str | None
    status: Status
    started_at: str | None
    finished_at: str | None
    cancel_requested: bool
    error_code: str | None
    events: str


class Run(RunSummary):
    """`usage` and `timings` are of a completed run: tokens; milliseconds by name, and its `round_trips`.

    `problem` is what a run was refused with.
    """

    answer: RunAnswer | None
    usage: Usage | None
    timings: dict[str, float] | None
    problem: NotRequired[dict[str, Any]]


class TraceSpan(TypedDict):
    """One thing that a run did, in milliseconds since its begin was sent. `end_ms` is null for what never ended.

    `name` is the model's id, the tool's name, or the node's of a Graph or a Swarm; `node`: in which of those it was
    done. `status` is a model's stop reason, a tool's status, or `error`. `cost_dollars`: of a model whose price is set.
    """

    kind: Kind
    name: str
    node: str | None
    start_ms: float
    end_ms: float | None
    status: str | None
    first_token_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_dollars: float | None


class RunTrace(TypedDict):
    """What a run did, in order. It is there once the run has ended, and never of one whose process died.

    `omitted` spans are missing in the middle of a long one. `cost_dollars`: where the price of each model is set.
    """

    run_id: str
    status: Status
    started_at: str | None
    total_ms: float | None
    spans: list[TraceSpan]
    omitted: int
    cost_dollars: float | None


class AcceptedRun(TypedDict):
    """`run` and `events` are where the run can be read: at once, and for as long as it is kept."""

    run_id: str
    status: Literal["queued"]
    run: str
    events: str


class RunList(TypedDict):
    """Newest first; `next_cursor` asks for the next page and is null on the last."""

    runs: list[RunSummary]
    next_cursor: str | None


class DayUsage(TypedDict):
    """`runs` are those that ended on that day of UTC, however they did."""

    day: str
    runs: int
    input_tokens: int
    output_tokens: int


class UsageReport(TypedDict):
    """The limits are null where there is none."""

    days: list[DayUsage]
    runs_per_minute: int | None
    tokens_per_day: int | None
