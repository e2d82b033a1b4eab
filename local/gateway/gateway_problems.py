"""Errors that the gateway itself answers, in the form of the deployed API's: problem+json (RFC 9457)."""

import json
from enum import Enum


class GatewayProblem(Enum):
    """Status, stable code, title. Errors that API Gateway has too bear its titles."""

    BAD_REQUEST = (400, "bad_request", "Bad Request")
    ROUTE_NOT_FOUND = (403, "route_not_found", "Missing Authentication Token")
    ORIGIN_NOT_ALLOWED = (403, "origin_not_allowed", "Pages of other origins may not call this server")
    REQUEST_TIMEOUT = (408, "request_timeout", "Request Timeout")
    PAYLOAD_TOO_LARGE = (413, "payload_too_large", "Request Too Long")
    QUEUED_BODY_TOO_LARGE = (413, "payload_too_large", "The request is too large; POST /runs takes 700,000 bytes")
    HOST_NOT_ALLOWED = (421, "host_not_allowed", "This server answers to its own loopback address only")
    TOO_MANY_REQUESTS = (429, "too_many_requests", "Too Many Requests")
    HEADERS_TOO_LARGE = (431, "headers_too_large", "Request Header Fields Too Large")
    FUNCTION_FAILED = (502, "function_failed", "Internal server error")
    GATEWAY_TIMEOUT = (504, "gateway_timeout", "Endpoint request timed out")

    @property
    def status(self) -> int:
        return self.value[0]

    def body(self, request_id: str) -> bytes:
        status, code, title = self.value
        document = {"type": "about:blank", "title": title, "status": status, "code": code, "request_id": request_id}
        return json.dumps(document).encode()


class GatewayProblemError(Exception):
    """The gateway answers the request itself. Raised only before a response has begun."""

    def __init__(self, problem: GatewayProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem
