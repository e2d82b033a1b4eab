"""Runs: what became of one, and its cancellation."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from api.answers import Run
from api.app import Api
from api.request import Request
from api.responses import json_response
from session_store.records import RunRecord
from session_store.store import Store
from turns.answer import parse_answer


class RunRoutes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.route("GET", "/runs/{run_id}", self.read)
        api.route("POST", "/runs/{run_id}/cancel", self.cancel)

    def read(self, request: Request) -> Response[str]:
        owner, run_id = request.owner, request.identifier("run_id")
        request.query()
        return json_response(run_of(self._store.runs.read(owner, run_id)))

    def cancel(self, request: Request) -> Response[str]:
        """Accepted: a running run sees it at its next write or renewal; one that has ended stays as it is."""
        owner, run_id = request.owner, request.identifier("run_id")
        request.query()
        return json_response(run_of(self._store.runs.request_cancel(owner, run_id)), HTTPStatus.ACCEPTED)


def run_of(record: RunRecord) -> Run:
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
