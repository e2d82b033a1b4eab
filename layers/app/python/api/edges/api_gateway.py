"""API Gateway's REST proxy events and Lambda's context as requests, and responses as what Lambda takes for them.

docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.application import Application
from api.edges.api_gateway_caller import find_caller, find_claims
from api.errors import MalformedRequestError
from api.operation import Operation
from api.request import Request
from api.response import Response
from api.routing import find_operation
from api.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
GATEWAY_SECONDS = 29.0

Event = Mapping[str, Any]
Target = tuple[Operation | None, Mapping[str, str]]


class ApiGatewayHandler:
    """A Lambda handler that answers each request by the operation of its method and resource.

    >>> handler = ApiGatewayHandler(OPERATIONS, application)
    >>> handler(event, context)
    """

    def __init__(self, operations: Iterable[Operation], application: Application) -> None:
        self.operations = {(operation.method, operation.path): operation for operation in operations}
        self.application = application
        self._handle = application.observability.traced(self._logged)

    def __call__(self, event: Event, context: "LambdaContext") -> dict[str, Any]:
        return self._handle(event, context)

    def _logged(self, event: Event, context: "LambdaContext") -> dict[str, Any]:
        request_id = event["requestContext"].get("requestId")
        with self.application.observability.request_context(request_id, context.aws_request_id):
            operation, path_parameters = self._find(event)
            request = parse_request(event, context, path_parameters, self.application.settings)
            return _dump_response(self.application.respond(operation, request))

    def _find(self, event: Event) -> Target:
        """By the resource that API Gateway has chosen; below a greedy one by the path."""
        method, resource = event["httpMethod"], event["resource"]
        prefix, is_greedy, _ = resource.partition("{proxy+}")
        if not is_greedy:
            return self.operations.get((method, resource)), event.get("pathParameters") or {}
        # Not `pathParameters`: `path` alone is percent-encoded at every gateway but SAM's, so that an encoded slash
        # separates nothing. A custom domain may have put a prefix of its own before ours.
        _, _, below = event["path"].partition(prefix)
        return find_operation(self.operations.values(), method, prefix + below)


def parse_request(
    event: Event, context: "LambdaContext", path_parameters: Mapping[str, str], settings: Settings
) -> Request:
    now, request_context = time.monotonic(), event["requestContext"]
    headers: Mapping[str, str] = event.get("headers") or {}
    if settings.sam_local:  # it alone has decoded them
        path_parameters = {name: quote(value, safe="") for name, value in path_parameters.items()}
    return Request(
        method=event["httpMethod"],
        path=request_context.get("path") or "/",
        path_parameters=path_parameters,
        query=event.get("multiValueQueryStringParameters") or {},
        headers={name.lower(): value for name, value in headers.items()},
        read_body=lambda: _decode_body(event),
        caller=find_caller(request_context, by_session=settings.caller_by == "session", sam_local=settings.sam_local),
        request_id=str(request_context.get("requestId", "")),
        received=now,
        # A function has as long as the gateway waits for it, but the gateway has waited through a cold start already.
        deadline=now + context.get_remaining_time_in_millis() / 1000 - _waited_seconds(request_context),
        claims=find_claims(request_context),
    )


def _waited_seconds(request_context: Mapping[str, Any]) -> float:
    """How long the gateway has had the request: a cold start takes seconds of the 29 in which it wants an answer."""
    seconds = time.time() - request_context.get("requestTimeEpoch", 0) / 1000
    return seconds if 0 < seconds < GATEWAY_SECONDS else 0.0


def _decode_body(event: Event) -> bytes:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode(errors="surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedRequestError("is not base64, as the gateway says it is") from error


def _dump_response(response: Response) -> dict[str, Any]:
    body = response.body
    return {
        "statusCode": int(response.status),
        "multiValueHeaders": {name: [value] for name, value in response.headers.items()},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }
