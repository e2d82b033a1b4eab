"""A background run that was accepted, and what becomes of it: a run, or a refusal that is kept for its caller."""

import json

from api.application import Application
from api.call import find_owner
from api.errors import RequestError
from api.operation import Operation
from api.request import Request
from session_store.errors import InvalidInputError


class NotBegunError(Exception):
    """The run could not begin for now, and may later: Lambda tries the event again."""


def run_accepted(application: Application, operation: Operation, request: Request) -> None:
    """Returns when the run, whose id is the request's, has ended or is refused. Raises `NotBegunError`."""
    response = application.respond(operation, request)
    if response.status >= 500:
        raise NotBegunError(f"status {response.status}")
    if response.status >= 400:
        _refuse(application, request, str(response.body))


def dump_accepted(run_id: str) -> str:
    return json.dumps(
        {"run_id": run_id, "status": "queued", "run": f"/runs/{run_id}", "events": f"/runs/{run_id}/events"}
    )


def _refuse(application: Application, request: Request, problem: str) -> None:
    try:
        owner = find_owner(request, application.settings)
    except (RequestError, InvalidInputError):
        return  # nobody could ask for what became of it
    application.store.background_runs.refuse(owner, request.request_id, problem)
