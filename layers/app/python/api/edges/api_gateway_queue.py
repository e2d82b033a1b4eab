"""Events that API Gateway hands to Lambda's queue, in the form of its proxy events; nobody waits for an answer.

docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
"""

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from api.application import Application
from api.call import find_owner
from api.edges.api_gateway import Event, parse_request
from api.errors import RequestError
from api.operation import Operation
from api.request import Request
from session_store.background_runs import new_run_id
from session_store.errors import InvalidInputError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


class NotBegunError(Exception):
    """The run could not begin for now: Lambda tries the event again."""


class QueueHandler:
    """A Lambda handler for one operation, each of whose requests is a background run with the request's id."""

    def __init__(self, operation: Operation, application: Application) -> None:
        self._operation, self._application = operation, application
        self._handle = application.observability.traced(self._logged)

    def __call__(self, event: Event, context: "LambdaContext") -> dict[str, Any]:
        if not self._application.settings.sam_local:
            return self._handle(event, context)
        # SAM has no queue and no mapping templates: its caller waits, and all its requests have one id.
        run_id = new_run_id(str(uuid.uuid4()), int(time.time() * 1000))
        self._handle({**event, "requestContext": {**event["requestContext"], "requestId": run_id}}, context)
        return {"statusCode": 202, "headers": {"Location": f"/runs/{run_id}"}, "body": _dump_accepted(run_id)}

    def _logged(self, event: Event, context: "LambdaContext") -> dict[str, Any]:
        observability, settings = self._application.observability, self._application.settings
        with observability.request_context(event["requestContext"]["requestId"], context.aws_request_id):
            request = parse_request(event, context, {}, settings)
            response = self._application.respond(self._operation, request)
            if response.status >= 500:
                raise NotBegunError(f"status {response.status}")
            if response.status >= 400:
                self._refuse(request, str(response.body))
        return {}

    def _refuse(self, request: Request, problem: str) -> None:
        try:
            owner = find_owner(request, self._application.settings)
        except (RequestError, InvalidInputError):
            return  # nobody could ask for what became of it
        self._application.store.background_runs.refuse(owner, request.request_id, problem)


def _dump_accepted(run_id: str) -> str:
    return json.dumps(
        {"run_id": run_id, "status": "queued", "run": f"/runs/{run_id}", "events": f"/runs/{run_id}/events"}
    )
