"""The documented limits of API Gateway (REST, regional) and Lambda; tests pass smaller ones."""

from dataclasses import dataclass

from local.gateway.connection import ConnectionLimits
from session_store.background_runs import MAXIMUM_BODY_BYTES

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """In seconds and bytes, as the names say."""

    # docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    request_body_bytes: int = 10 * MEBIBYTE
    request_headers_bytes: int = 10_240
    integration_seconds: float = 29
    connection_idle_seconds: float = 310

    # docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
    stream_seconds: float = 15 * 60
    stream_idle_seconds: float = 5 * 60
    # docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
    stream_prelude_bytes: int = 16 * 1024

    # docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    event_bytes: int = 6 * MEBIBYTE
    response_bytes: int = 6 * MEBIBYTE
    stream_response_bytes: int = 200 * MEBIBYTE
    # docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: a start-up that takes longer is repeated
    # within the function's own timeout, so the total may be the sum of both.
    start_seconds: float = 10

    queued_body_bytes: int = MAXIMUM_BODY_BYTES
    # Before each further try of a queued event whose function failed; Lambda waits 1 and 2 minutes:
    # docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    retry_seconds: tuple[float, ...] = (1, 2)

    # Our own: this many processes per function, and as many again for owners who have none (`shares.py`). A request
    # that finds all of them busy waits this long for one.
    concurrency: int = 4
    throttle_seconds: float = 5
    # From a request's first byte to its last.
    request_seconds: float = 60
    # A client may fall this far behind; then it must accept some of it within `client_stall_seconds`. (Lambda sends
    # the first 10 MB at full speed: docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html)
    client_behind_bytes: int = 10 * MEBIBYTE
    client_stall_seconds: float = 10

    @property
    def connection(self) -> ConnectionLimits:
        return ConnectionLimits(
            headers_bytes=2 * self.request_headers_bytes,
            idle_seconds=self.connection_idle_seconds,
            request_seconds=self.request_seconds,
            stall_seconds=self.client_stall_seconds,
            behind_bytes=self.client_behind_bytes,
        )
