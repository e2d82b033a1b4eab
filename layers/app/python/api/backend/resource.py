"""How the session backend's operations are declared, and how they answer."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from api.backend.parameters import OWNER, SENT_AT
from api.call import Call
from api.operation import Operation, Parameter
from api.response import Response, text_response
from session_store.errors import TooLargeError
from session_store.sending import sent_as
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
    """`path` below `/api/v1`. Every resource has the parameters `owner` and `Sent-At`."""
    return Operation(
        operation_id=operation_id,
        method=method,
        path=PREFIX + path,
        handle=_in_time(handle),
        parameters=(OWNER, SENT_AT, *parameters),
        subspace=OWNER,
        answer=None if status == HTTPStatus.NO_CONTENT else "application/json",
        status=status,
        errors=errors,
    )


def _in_time(handle: Callable[[Call], Response]) -> Callable[[Call], Response]:
    def handle_in_time(call: Call) -> Response:
        with sent_as(call[SENT_AT]):
            return handle(call)

    return handle_in_time


def document_response(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """JSON text as it is. Raises `TooLargeError` for more than Lambda would carry."""
    if (size := wire_bytes(text)) > MAXIMUM_BYTES + _SLACK_BYTES:
        raise TooLargeError("answer", size, MAXIMUM_BYTES)
    return text_response(text, "application/json", status)
