"""The gateway's own errors, as problem+json (RFC 9457) like the handlers'."""

import json
from typing import NamedTuple

from aws_cdk import aws_apigateway as apigateway

_Type = apigateway.ResponseType


class Problem(NamedTuple):
    """status: None keeps the one that the gateway chose."""

    type: apigateway.ResponseType
    status: int | None
    code: str
    title: str


_PROBLEMS = {
    "Default4xx": Problem(_Type.DEFAULT_4_XX, None, "bad_request", "The request is not acceptable"),
    "Default5xx": Problem(_Type.DEFAULT_5_XX, None, "function_failed", "The service failed"),
    "AccessDenied": Problem(_Type.ACCESS_DENIED, 403, "forbidden", "The caller may not do this"),
    "ExpiredToken": Problem(_Type.EXPIRED_TOKEN, 401, "unauthorized", "The credentials have expired"),
    "IntegrationTimeout": Problem(_Type.INTEGRATION_TIMEOUT, 504, "gateway_timeout", "The answer took too long"),
    "InvalidSignature": Problem(_Type.INVALID_SIGNATURE, 401, "unauthorized", "The request's signature is not valid"),
    # The gateway says this of an unknown route too, and cannot tell the two apart.
    "MissingToken": Problem(_Type.MISSING_AUTHENTICATION_TOKEN, 401, "unauthorized", "No credentials or no such route"),
    "NotFound": Problem(_Type.RESOURCE_NOT_FOUND, 404, "not_found", "No such route"),
    "Throttled": Problem(_Type.THROTTLED, 429, "too_many_requests", "Too many requests"),
    "TooLarge": Problem(_Type.REQUEST_TOO_LARGE, 413, "payload_too_large", "The request is too large"),
    "Unauthorized": Problem(_Type.UNAUTHORIZED, 401, "unauthorized", "No valid credentials"),
}


def add_problem_responses(api: apigateway.RestApi) -> None:
    for name, problem in _PROBLEMS.items():
        api.add_gateway_response(
            name,
            type=problem.type,
            status_code=None if problem.status is None else str(problem.status),
            response_headers=_headers(problem),
            # The gateway picks the template by this type and the answer's own type by the header.
            templates={"application/json": _body(problem)},
        )


def _headers(problem: Problem) -> dict[str, str]:
    headers = {"Content-Type": "'application/problem+json'"}
    return headers | ({"Retry-After": "'1'"} if problem.status == 429 else {})


def _body(problem: Problem) -> str:
    body: dict[str, object] = {"type": "about:blank", "title": problem.title, "code": problem.code}
    if problem.status is not None:
        body["status"] = problem.status
    return json.dumps({**body, "request_id": "$context.requestId"})
