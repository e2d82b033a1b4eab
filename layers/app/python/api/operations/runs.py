"""Runs: what became of one, and its cancellation."""

from http import HTTPStatus

from api import run_answers
from api.call import Call
from api.found_run import PendingRun, cancel_found_run, find_run
from api.operation import Link, Operation
from api.operations.sessions import SESSION_LINKS
from api.parameters import CURSOR, LIMIT, RUN_ID, SESSION_ID
from api.response import Response, json_response
from session_store.errors import CursorNotFoundError, RunNotFoundError, SessionNotFoundError
from session_store.records import RunRecord
from turns.answer import parse_answer, parse_timings

RUN_LINKS = tuple(
    Link(operation_id, "run_id", "/run_id")
    for operation_id in ("readRun", "readRunTrace", "readRunEvents", "cancelRun")
)
RUN_ID_EXAMPLE = "0b0a2d5e-5d0e-4b8e-9a53-1f6f2f7d3c11"
ANSWER_EXAMPLE = {
    "response": "Hello Alice!",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 412, "output_tokens": 9, "total_tokens": 421},
}
_FINISHED_RUN = {
    "run_id": RUN_ID_EXAMPLE,
    "session_id": "user-123",
    "agent_id": "default",
    "status": "completed",
    "started_at": "2026-11-22T10:00:00+00:00",
    "finished_at": "2026-11-22T10:00:02+00:00",
    "cancel_requested": False,
    "error_code": None,
    "events": f"/runs/{RUN_ID_EXAMPLE}/events",
    "answer": ANSWER_EXAMPLE,
    "usage": ANSWER_EXAMPLE["usage"],
    "timings": {"restore_ms": 2.1, "first_token_ms": 310.5, "total_ms": 1904.2, "round_trips": 2},
}


def read_run(call: Call) -> Response:
    found = find_run(call, call[RUN_ID])
    return json_response(_describe(found) if isinstance(found, RunRecord) else _describe_pending(found))


def cancel_run(call: Call) -> Response:
    """A running run sees it within a second; one that has ended stays as it is, and one in the queue never begins."""
    found = cancel_found_run(call, call[RUN_ID])
    answer = _describe(found) if isinstance(found, RunRecord) else _describe_pending(found)
    return json_response(answer, HTTPStatus.ACCEPTED)


def list_runs(call: Call) -> Response:
    page = call.store.runs.of_session(call.owner, call[SESSION_ID], limit=call[LIMIT], cursor=call[CURSOR])
    answer: run_answers.RunList = {
        "runs": [_summarize(record) for record in page.runs],
        "next_cursor": page.next_cursor,
    }
    return json_response(answer)


def _describe(record: RunRecord) -> run_answers.Run:
    answer = parse_answer(record) if record.status == "completed" else None
    return {
        **_summarize(record),
        "answer": answer,
        "usage": answer["usage"] if answer else None,
        "timings": parse_timings(record),
    }


def _describe_pending(pending: PendingRun) -> run_answers.Run:
    """One that has no row yet, or never will."""
    problem = pending.problem
    run: run_answers.Run = {
        "run_id": pending.run_id,
        "session_id": None,
        "agent_id": None,
        "status": pending.status,
        "started_at": None,
        "finished_at": None,
        "cancel_requested": False,
        "error_code": problem["code"] if problem else None,
        "events": f"/runs/{pending.run_id}/events",
        "answer": None,
        "usage": None,
        "timings": None,
    }
    return {**run, "problem": problem} if problem else run


def _summarize(record: RunRecord) -> run_answers.RunSummary:
    return {
        "run_id": record.run_id,
        "session_id": record.session_id,
        "agent_id": record.agent_id,
        "status": record.status,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "cancel_requested": record.cancel_requested,
        "error_code": record.error_code,
        "events": f"/runs/{record.run_id}/events",
    }


_SUMMARY = {name: value for name, value in _FINISHED_RUN.items() if name not in ("answer", "usage", "timings")}
OPERATIONS = (
    Operation(
        operation_id="listRuns",
        method="GET",
        path="/sessions/{session_id}/runs",
        handle=list_runs,
        summary="List a session's runs, newest first",
        parameters=[SESSION_ID, LIMIT, CURSOR],
        answer=run_answers.RunList,
        example={"runs": [_SUMMARY], "next_cursor": None},
        links=[Link("readRun", "run_id", "/runs/0/run_id")],
        errors=[SessionNotFoundError, CursorNotFoundError],
    ),
    Operation(
        operation_id="readRun",
        method="GET",
        path="/runs/{run_id}",
        handle=read_run,
        summary="Ask what became of a run",
        description="For after a 504 or a lost connection.",
        parameters=[RUN_ID],
        answer=run_answers.Run,
        example=_FINISHED_RUN,
        links=(*SESSION_LINKS, Link("readRunTrace", "run_id", "/run_id")),
        errors=[RunNotFoundError],
    ),
    Operation(
        operation_id="cancelRun",
        method="POST",
        path="/runs/{run_id}/cancel",
        handle=cancel_run,
        summary="Cancel a run",
        description="The run ends at its next write or renewal; one that has ended already stays as it is.",
        parameters=[RUN_ID],
        answer=run_answers.Run,
        example={
            **_FINISHED_RUN,
            "status": "running",
            "finished_at": None,
            "cancel_requested": True,
            "answer": None,
            "usage": None,
            "timings": None,
        },
        status=202,
        errors=[RunNotFoundError],
    ),
)
