"""How the session backend's operations are declared, and how they answer."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from api.backend.parameters import OWNER
from api.call import Call
from api.operation import Operation, Parameter
from api.response import Response, text_response
from session_store.errors import TooLargeError
from session_store.wire import MAXIMUM_BYTES, wire_bytes

PREFIX = "/api/v1"
# An envelope around a page that is full already.
_SLACK_BYTES = 500_000


def resource(
    operation_id: str,
    method: str,
    path: str,
    handle: Callable[[Call], Response],
    *,
    parameters: Sequence[Parameter[Any]] = (),
    status: int = HTTPStatus.OK,
    errors: Sequence[type[Exception]] = (),
) -> Operation:
    """`path` below `/api/v1`. Every resource has the parameter `owner`."""
    return Operation(
        operation_id=operation_id,
        method=method,
        path=PREFIX + path,
        handle=handle,
        parameters=(OWNER, *parameters),
        subspace=OWNER,
        answer=None if status == HTTPStatus.NO_CONTENT else "application/json",
        status=status,
        errors=errors,
    )


def document_response(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """JSON text as it is. Raises `TooLargeError` for more than Lambda would carry."""
    if (size := wire_bytes(text)) > MAXIMUM_BYTES + _SLACK_BYTES:
        raise TooLargeError("answer", size, MAXIMUM_BYTES)
    return text_response(text, "application/json", status)
