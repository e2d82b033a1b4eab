"""Runs: what became of one, and its cancellation."""

from http import HTTPStatus

from api import answers
from api.call import Call
from api.operation import Link, Operation
from api.operations.sessions import SESSION_LINKS
from api.parameters import RUN_ID
from api.response import Response, json_response
from session_store.errors import RunNotFoundError
from session_store.records import RunRecord
from turns.answer import parse_answer

RUN_LINKS = (Link("readRun", "run_id", "/run_id"), Link("cancelRun", "run_id", "/run_id"))
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
    "answer": ANSWER_EXAMPLE,
}


def read_run(call: Call) -> Response:
    return json_response(_summarize(call.store.runs.read(call.owner, call[RUN_ID])))


def cancel_run(call: Call) -> Response:
    """Accepted: a running run sees it at its next write or renewal; one that has ended stays as it is."""
    run = call.store.runs.request_cancel(call.owner, call[RUN_ID])
    return json_response(_summarize(run), HTTPStatus.ACCEPTED)


def _summarize(record: RunRecord) -> answers.Run:
    return {
        "run_id": record.run_id,
        "session_id": record.session_id,
        "agent_id": record.agent_id,
        "status": record.status,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "cancel_requested": record.cancel_requested,
        "error_code": record.error_code,
        "answer": parse_answer(record) if record.status == "completed" else None,
    }


OPERATIONS = (
    Operation(
        operation_id="readRun",
        method="GET",
        path="/runs/{run_id}",
        handle=read_run,
        summary="Ask what became of a run",
        description="For after a 504 or a lost connection.",
        parameters=[RUN_ID],
        answer=answers.Run,
        example=_FINISHED_RUN,
        links=SESSION_LINKS,
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
        answer=answers.Run,
        example={
            **_FINISHED_RUN,
            "status": "running",
            "finished_at": None,
            "cancel_requested": True,
            "answer": None,
        },
        status=202,
        errors=[RunNotFoundError],
    ),
)
