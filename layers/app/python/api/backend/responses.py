from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from api.responses import text_response
from session_store.errors import TooLargeError
from session_store.wire import MAXIMUM_BYTES, wire_bytes

# An envelope around a page that is full already.
_SLACK_BYTES = 500_000


def answer(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    """JSON text as it is. Raises `TooLargeError` for more than Lambda would carry."""
    if (size := wire_bytes(text)) > MAXIMUM_BYTES + _SLACK_BYTES:
        raise TooLargeError("answer", size, MAXIMUM_BYTES)
    return text_response(text, "application/json", status)
