"""The streamed form of `POST /runtime/invocation/{id}/response` in Lambda's Runtime API.

Chunked transfer encoding, trailers for an error midway; awslambdaric 4.2.2 has no such call. The protocol:
docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

import json
import logging
import traceback
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException

from response_streaming.response import StreamingResponse, encode

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
# A receiver that takes no piece for so long is as good as gone: what the handler still has to do must not wait for it
# until Lambda ends the process. Far slower than Lambda's own 2 MB/s behind the first megabytes.
STALL_SECONDS = 30.0
PIECE_BYTES = 64 * 1024


def post_stream(
    runtime_api: str,
    invoke_id: str,
    response: StreamingResponse,
    invocation_id: str | None = None,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Send `response` to the Runtime API at `runtime_api` (host:port[/path]), chunk by chunk, to its end.

    Never raises: an error of the chunks ends the response with the error trailers; when the receiver is gone, or takes
    nothing for `stall_seconds`, the chunks are drained all the same, for the work that computing them does.
    """
    stream = _Stream(runtime_api, invoke_id, invocation_id, stall_seconds)
    try:
        stream.send(response.prelude())
        for chunk in response.chunks:
            stream.send(encode(chunk))
    except Exception as error:  # the chunks are the function's code: whatever it raises is its error
        logger.exception("the response broke off midway")
        stream.end(_error_trailers(error))
    else:
        stream.end(b"")


class _Stream:
    """One open response. A lost receiver is noted once; from then on everything is discarded."""

    def __init__(self, runtime_api: str, invoke_id: str, invocation_id: str | None, stall_seconds: float) -> None:
        authority, slash, path = runtime_api.partition("/")
        self._connection = HTTPConnection(authority, timeout=stall_seconds)
        self._invocations = f"{slash}{path}/2018-06-01/runtime/invocation"
        self._lost = False
        self._attempt(lambda: self._open(invoke_id, invocation_id))

    def send(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):  # none if it is empty: an empty chunk would end the body
            piece = data[start : start + PIECE_BYTES]
            self._attempt(partial(self._connection.send, b"%x\r\n%b\r\n" % (len(piece), piece)))

    def end(self, trailers: bytes) -> None:
        self._attempt(lambda: self._finish(trailers))
        self._connection.close()

    def _attempt(self, step: Callable[[], None]) -> None:
        if self._lost:
            return
        try:
            step()
        except (OSError, HTTPException) as error:
            self._lost = True
            logger.warning("the receiver of the response is gone, the handler runs on: %s", error)

    def _open(self, invoke_id: str, invocation_id: str | None) -> None:
        connection = self._connection
        connection.putrequest("POST", f"{self._invocations}/{invoke_id}/response", skip_accept_encoding=True)
        connection.putheader("Content-Type", CONTENT_TYPE)
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}")
        if invocation_id:
            connection.putheader("Lambda-Runtime-Invocation-Id", invocation_id)
        connection.endheaders()

    def _finish(self, trailers: bytes) -> None:
        self._connection.send(b"0\r\n" + trailers + b"\r\n")
        self._connection.sock.settimeout(None)  # the work is done; the receiver may take its time with what it has
        answer = self._connection.getresponse()
        if answer.status >= 400:
            logger.error("the Runtime API refused the response: %s %s", answer.status, answer.read())


def _error_trailers(error: Exception) -> bytes:
    body = {
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_tb(error.__traceback__),
    }
    encoded = b64encode(json.dumps(body).encode()).decode("ascii")
    return f"{ERROR_TYPE}: {type(error).__name__}\r\n{ERROR_BODY}: {encoded}\r\n".encode("ascii", errors="replace")
