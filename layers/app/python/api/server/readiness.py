"""Whether a server may be sent requests: asked by a load balancer or Kubernetes, and once when it starts."""

from http import HTTPStatus

from api import answers, problems
from api.call import Call
from api.operation import Operation
from api.response import Response, json_response, text_response
from session_store.errors import SessionStoreError
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import dump_json
from session_store.store import Store


def check_store(store: Store) -> None:
    """Raises `StoreUnavailableError`, `NotMigratedError`, and what else the store says of its settings."""
    if isinstance(store, PostgreSQLStore):
        store.check_schema()
    else:
        store.ping()


def ready(call: Call) -> Response:
    """503 with the code of the reason, whatever status the same error has elsewhere."""
    try:
        check_store(call.store)
    except SessionStoreError as error:
        status = HTTPStatus.SERVICE_UNAVAILABLE
        problem = call.application.dump_problem(error, call.request.request_id)
        body = {**problem, "status": int(status), "title": problems.title(status)}
        return text_response(dump_json(body), problems.MEDIA_TYPE, status)
    answer: answers.Health = {"status": "ok"}
    return json_response(answer)


OPERATIONS = (Operation(operation_id="ready", method="GET", path="/health/ready", handle=ready, access="public"),)
