"""Runs: what became of one, and its cancellation."""

import json
from http import HTTPStatus
from typing import Any, cast

from aws_lambda_powertools.event_handler import Response

from api.answers import Run, RunAnswer
from api.app import Api
from api.request import Request
from api.responses import json_response
from session_store.records import RunRecord
from session_store.store import Store


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
        "answer": stored_answer(record) if record.status == "completed" else None,
    }


def stored_answer(record: RunRecord) -> RunAnswer:
    """What a completed run's caller was told, with the answering message's text as it is stored now, maybe redacted."""
    return cast(RunAnswer, {"response": text_of(record.answer), **json.loads(record.result or "{}")})


def text_of(message: str | None) -> str:
    """The text of a message's JSON text, citations included."""
    content: list[dict[str, Any]] = json.loads(message)["content"] if message else []
    return "\n".join(text for block in content for text in _texts(block))


def _texts(block: dict[str, Any]) -> list[str]:
    parts = block.get("citationsContent", {}).get("content", []) if "text" not in block else [block]
    return [part["text"] for part in parts if "text" in part]
