"""Stands in for awslambdaric's native module of the same name on systems where that is not built: it is Linux only.

Has the four functions that awslambdaric 4.2.2 calls, on the standard library. A runtime process has it on its path only
where the native module is missing.
"""

import os
from http.client import HTTPConnection, HTTPResponse

PREFIX = "/2018-06-01/runtime/invocation"
HEADERS = (
    "Content-Type",
    "Lambda-Runtime-Aws-Request-Id",
    "Lambda-Runtime-Client-Context",
    "Lambda-Runtime-Cognito-Identity",
    "Lambda-Runtime-Deadline-Ms",
    "Lambda-Runtime-Invoked-Function-Arn",
    "Lambda-Runtime-Trace-Id",
)


def initialize_client(user_agent: str) -> None:
    """Does nothing: each call opens its own connection."""


def next() -> tuple[bytes, dict[str, str | None]]:  # noqa: A001  the name is awslambdaric's
    """Wait for the next event: its bytes and the invocation's headers."""
    response, event = _call("GET", f"{PREFIX}/next")
    return event, {name: response.getheader(name) for name in HEADERS}


def post_invocation_result(invoke_id: str, result: bytes, content_type: str, *_: str | None) -> None:
    _call("POST", f"{PREFIX}/{invoke_id}/response", result, content_type)


def post_error(invoke_id: str, error: str, *_: str | None) -> None:
    _call("POST", f"{PREFIX}/{invoke_id}/error", error.encode(), "application/json")


def _call(method: str, path: str, body: bytes | None = None, content_type: str = "") -> tuple[HTTPResponse, bytes]:
    authority, slash, base = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
    connection = HTTPConnection(authority)
    try:
        connection.request(method, slash + base + path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= 300:
        raise RuntimeError(f"the Runtime API answered {response.status} to {method} {path}")
    return response, answer
