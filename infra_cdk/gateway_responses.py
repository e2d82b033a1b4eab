"""Errors that API Gateway itself answers, in the same form as the functions': problem+json (RFC 9457)."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from aws_cdk import aws_apigateway as apigateway

from infra_cdk.cors import problem_headers

_Type = apigateway.ResponseType


TOO_LARGE = "The request is too large; POST /runs takes 700,000 bytes"


class GatewayProblem(NamedTuple):
    """`status` None keeps the one that API Gateway chose."""

    type: apigateway.ResponseType
    status: int | None
    code: str
    title: str


_PROBLEMS = {
    "Default4xx": GatewayProblem(_Type.DEFAULT_4_XX, None, "bad_request", "The request is not acceptable"),
    "Default5xx": GatewayProblem(_Type.DEFAULT_5_XX, None, "function_failed", "The service failed"),
    "AccessDenied": GatewayProblem(_Type.ACCESS_DENIED, 403, "forbidden", "The caller may not do this"),
    "ExpiredToken": GatewayProblem(_Type.EXPIRED_TOKEN, 401, "unauthorized", "The credentials have expired"),
    "IntegrationTimeout": GatewayProblem(_Type.INTEGRATION_TIMEOUT, 504, "gateway_timeout", "The answer took too long"),
    "InvalidSignature": GatewayProblem(
        _Type.INVALID_SIGNATURE, 401, "unauthorized", "The request's signature is not valid"
    ),
    # API Gateway answers this for an unknown route too: it does not distinguish the two.
    "InvalidApiKey": GatewayProblem(_Type.INVALID_API_KEY, 403, "forbidden", "The API key is missing or not valid"),
    "MissingToken": GatewayProblem(
        _Type.MISSING_AUTHENTICATION_TOKEN, 401, "unauthorized", "No credentials or no such route"
    ),
    "NotFound": GatewayProblem(_Type.RESOURCE_NOT_FOUND, 404, "not_found", "No such route"),
    "QuotaExceeded": GatewayProblem(
        _Type.QUOTA_EXCEEDED, 429, "too_many_requests", "The API key has no more requests today"
    ),
    "Throttled": GatewayProblem(_Type.THROTTLED, 429, "too_many_requests", "Too many requests"),
    "TooLarge": GatewayProblem(_Type.REQUEST_TOO_LARGE, 413, "payload_too_large", TOO_LARGE),
    "Unauthorized": GatewayProblem(_Type.UNAUTHORIZED, 401, "unauthorized", "No valid credentials"),
}


def add_gateway_responses(api: apigateway.RestApi, origins: Sequence[str]) -> None:
    for name, problem in _PROBLEMS.items():
        api.add_gateway_response(
            name,
            type=problem.type,
            status_code=None if problem.status is None else str(problem.status),
            response_headers=_headers(problem) | problem_headers(origins),
            # API Gateway selects the template by this media type; the header sets the one that is sent.
            templates={"application/json": _body(problem)},
        )


def _headers(problem: GatewayProblem) -> dict[str, str]:
    headers = {"Content-Type": "'application/problem+json'"}
    return headers | ({"Retry-After": "'1'"} if problem.status == 429 else {})


def _body(problem: GatewayProblem) -> str:
    body: dict[str, object] = {"type": "about:blank", "title": problem.title, "code": problem.code}
    if problem.status is not None:
        body["status"] = problem.status
    return json.dumps({**body, "request_id": "$context.requestId"})
