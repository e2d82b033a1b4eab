"""Events that API Gateway hands to Lambda's queue, in the form of its proxy events; nobody waits for an answer.

docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
"""

import time
import uuid
from typing import TYPE_CHECKING, Any

from api.accepted_run import dump_accepted, run_accepted
from api.application import Application
from api.edges.api_gateway import Event, parse_request
from api.operation import Operation
from session_store.background_runs import new_run_id

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


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
        return {"statusCode": 202, "headers": {"Location": f"/runs/{run_id}"}, "body": dump_accepted(run_id)}

    def _logged(self, event: Event, context: "LambdaContext") -> dict[str, Any]:
        application = self._application
        with application.observability.request_context(event["requestContext"]["requestId"], context.aws_request_id):
            request = parse_request(event, context, {}, application.settings)
            run_accepted(application, self._operation, request)
        return {}
