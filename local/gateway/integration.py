"""From a function's response to the client's: whole, or piece by piece, within API Gateway's times."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Generator, Sequence
from contextlib import aclosing, contextmanager, suppress

import h11

from local.gateway.connection import HttpConnection
from local.gateway.event import Request, is_binary
from local.gateway.invocation import Invocation, InvocationError
from local.gateway.limits import Limits
from local.gateway.problems import Problem, ProblemError
from local.gateway.response import Head, parse_response, read_prelude

logger = logging.getLogger(__name__)


async def answer_buffered(
    connection: HttpConnection,
    invocation: Invocation,
    request: Request,
    limits: Limits,
    binary_media_types: Sequence[str],
) -> None:
    """Send the response once it is whole; `ProblemError` if there is none that API Gateway could send."""
    with _failures_as_problems():
        async with asyncio.timeout(limits.integration_seconds):
            payload = b"".join([piece async for piece in invocation.read()])
    response = parse_response(payload)
    body = response.body_bytes(decode_base64=is_binary(request.header("accept"), binary_media_types))
    await _begin(connection.answer(response.status, _headers(response, request), body))


async def answer_streamed(connection: HttpConnection, invocation: Invocation, request: Request, limits: Limits) -> None:
    """Send each piece as it comes; `ProblemError` if the stream never began.

    After that API Gateway has one sign left for what goes wrong, and so have we: the connection is cut. A client that
    goes away is an `OSError`; the function runs on.
    """
    async with aclosing(invocation.read()) as pieces:
        with _failures_as_problems():
            async with asyncio.timeout(limits.stream_seconds) as deadline:
                head, rest = await read_prelude(pieces, limits.stream_prelude_bytes)
        connection.buffer_up_to(limits.client_behind_bytes)
        await _begin(connection.start(head.status, _headers(head, request)))
        try:
            async with asyncio.timeout_at(deadline.when()):
                await _relay(connection, rest, pieces, limits)
        except (TimeoutError, InvocationError) as error:
            logger.warning("%s %s: the stream is cut: %s", request.method, request.path, error or "out of time")
        else:
            await connection.end()


async def _relay(connection: HttpConnection, piece: bytes, pieces: AsyncIterator[bytes], limits: Limits) -> None:
    with suppress(StopAsyncIteration):
        while True:
            await _send(connection, piece, limits.client_stall_seconds)
            piece = await asyncio.wait_for(anext(pieces), limits.stream_idle_seconds)


async def _send(connection: HttpConnection, piece: bytes, stall_seconds: float) -> None:
    """A client that takes nothing for too long is dropped: the function must not wait for it."""
    try:
        async with asyncio.timeout(stall_seconds):
            await connection.send(piece)
    except TimeoutError:
        connection.abort()
        raise ConnectionAbortedError("the client does not take the stream") from None


async def _begin(sending: Awaitable[None]) -> None:
    try:
        await sending
    except h11.LocalProtocolError as error:  # a header that cannot be sent; nothing was
        raise ProblemError(Problem.FUNCTION_FAILED) from error


@contextmanager
def _failures_as_problems() -> Generator[None]:
    try:
        yield
    except TimeoutError:
        raise ProblemError(Problem.GATEWAY_TIMEOUT) from None
    except InvocationError as error:
        raise ProblemError(Problem.FUNCTION_FAILED) from error


def _headers(head: Head, request: Request) -> list[tuple[str, str]]:
    return [*head.headers, ("x-amzn-RequestId", request.request_id)]
