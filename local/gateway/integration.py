"""Sends a function's response to the client, whole or streamed, within API Gateway's time limits."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Generator, Sequence
from contextlib import aclosing, contextmanager, suppress

import h11

from local.gateway.connection import HttpConnection
from local.gateway.event import Request, is_binary
from local.gateway.gateway_problems import GatewayProblem, GatewayProblemError
from local.gateway.invocation import Invocation, InvocationError
from local.gateway.limits import Limits
from local.gateway.response import Head, parse_response, read_prelude

logger = logging.getLogger(__name__)


async def answer_buffered(
    connection: HttpConnection,
    invocation: Invocation,
    request: Request,
    limits: Limits,
    binary_media_types: Sequence[str],
) -> None:
    """Send the response once it is whole. Raises `GatewayProblemError` if API Gateway could not send it."""
    with _failures_as_problems():
        async with asyncio.timeout(limits.integration_seconds):
            payload = b"".join([chunk async for chunk in invocation.read()])
    response = parse_response(payload)
    body = response.body_bytes(decode_base64=is_binary(request.header("accept"), binary_media_types))
    await _begin_response(connection.answer(response.status, _headers(response, request), body))


async def answer_streamed(connection: HttpConnection, invocation: Invocation, request: Request, limits: Limits) -> None:
    """Send each chunk as it arrives. Raises `GatewayProblemError` if the stream never began.

    Once it has begun, cutting the connection is the only way left to signal an error, here as in API Gateway. Raises
    `OSError` if the client goes away or does not read; the function keeps running.
    """
    async with aclosing(invocation.read()) as chunks:
        with _failures_as_problems():
            async with asyncio.timeout(limits.stream_seconds) as deadline:
                head, rest = await read_prelude(chunks, limits.stream_prelude_bytes)
        await _begin_response(connection.start(head.status, _headers(head, request)))
        try:
            async with asyncio.timeout_at(deadline.when()):
                await _relay(connection, rest, chunks, limits)
        except (TimeoutError, InvocationError) as error:
            logger.warning("%s %s: the stream is cut: %s", request.method, request.path, error or "out of time")
        else:
            await connection.end()


async def _relay(connection: HttpConnection, chunk: bytes, chunks: AsyncIterator[bytes], limits: Limits) -> None:
    with suppress(StopAsyncIteration):
        while True:
            await connection.send(chunk)
            chunk = await asyncio.wait_for(anext(chunks), limits.stream_idle_seconds)


async def _begin_response(sending: Awaitable[None]) -> None:
    try:
        await sending
    except h11.LocalProtocolError as error:  # a header cannot be sent, so nothing was
        raise GatewayProblemError(GatewayProblem.FUNCTION_FAILED) from error


@contextmanager
def _failures_as_problems() -> Generator[None]:
    try:
        yield
    except TimeoutError:
        raise GatewayProblemError(GatewayProblem.GATEWAY_TIMEOUT) from None
    except InvocationError as error:
        raise GatewayProblemError(GatewayProblem.FUNCTION_FAILED) from error


def _headers(head: Head, request: Request) -> list[tuple[str, str]]:
    return [*head.headers, ("x-amzn-RequestId", request.request_id)]
