"""Lambda's Runtime API for one runtime process: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

import asyncio
import time
from contextlib import suppress
from secrets import compare_digest, token_hex, token_urlsafe

import h11

from local.gateway.connection import ConnectionLimits, HttpConnection
from local.gateway.invocation import Invocation
from local.gateway.limits import Limits
from local.gateway.server import Server
from local.gateway.table import Function

PREFIX = "/2018-06-01/runtime"
HEADERS_BYTES = 2 * 1024 * 1024  # a stream's error arrives in a trailer, with its stack trace
ERROR_TYPE = "lambda-runtime-function-error-type"


class RuntimeApi:
    """Hands out one invocation at a time; `idle` is set while the process waits for the next one.

    Any page in a browser and any user of this machine can reach its port: it serves only who knows the secret in the
    path of `address`, which the process alone is given, and no page.
    """

    def __init__(self, function: Function, limits: Limits) -> None:
        self.idle = asyncio.Event()
        self.address = ""
        self._function, self._limits = function, limits
        self._path = f"/{token_urlsafe()}"
        self._next: asyncio.Queue[Invocation] = asyncio.Queue(1)
        self._current: Invocation | None = None
        self._server = Server(self._serve, ConnectionLimits(HEADERS_BYTES))

    async def listen(self) -> None:
        """Start; then `address` is the value for `AWS_LAMBDA_RUNTIME_API`, host:port/secret."""
        self.address = f"127.0.0.1:{await self._server.listen()}{self._path}"

    async def close(self) -> None:
        await self._server.close()

    def give(self, invocation: Invocation) -> None:
        self._current = invocation
        self._next.put_nowait(invocation)

    async def _serve(self, connection: HttpConnection) -> None:
        with suppress(h11.ProtocolError):
            while (request := await connection.read_request()) is not None:
                await self._route(connection, request)
                if not connection.next_cycle():
                    return

    async def _route(self, connection: HttpConnection, request: h11.Request) -> None:
        if not self._is_from_our_process(request):
            return await connection.answer(403, [], b"")
        call = request.target.decode("ascii").removeprefix(self._path + PREFIX)
        if call == "/invocation/next":
            return await self._hand_out(connection)
        invocation = self._current
        if invocation is not None and call == f"/invocation/{invocation.request_id}/response":
            return await self._take_response(connection, request, invocation)
        if invocation is not None and call in {f"/invocation/{invocation.request_id}/error", "/init/error"}:
            return await self._take_error(connection, invocation)
        return await connection.answer(400, [], b'{"errorType": "InvalidRequestID"}')

    def _is_from_our_process(self, request: h11.Request) -> bool:
        path = request.target[: len(self._path) + 1]
        return compare_digest(path, self._path.encode() + b"/") and b"origin" not in dict(request.headers)

    async def _hand_out(self, connection: HttpConnection) -> None:
        [_ async for _ in connection.read_body()]
        self.idle.set()
        invocation = await self._next.get()
        self.idle.clear()
        deadline_ms = int((time.time() + self._function.timeout_seconds) * 1000)
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
            (
                "Lambda-Runtime-Invoked-Function-Arn",
                f"arn:aws:lambda:us-east-1:000000000000:function:{self._function.name}",
            ),
            ("Lambda-Runtime-Trace-Id", f"Root=1-{int(time.time()):08x}-{token_hex(12)};Sampled=0"),
        ]
        invocation.handed_out.set()
        await connection.answer(200, headers, invocation.event)

    async def _take_response(self, connection: HttpConnection, request: h11.Request, invocation: Invocation) -> None:
        streaming = dict(request.headers).get(b"lambda-runtime-function-response-mode") == b"streaming"
        limit = self._limits.stream_response_bytes if streaming else self._limits.response_bytes
        size = 0
        try:
            async for chunk in connection.read_body():
                size += len(chunk)
                if size > limit:
                    await invocation.fail(
                        f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
                    )
                await invocation.write(chunk)
        except OSError:
            await invocation.fail("the response broke off")
            raise
        if ERROR_TYPE in connection.trailers:
            await invocation.fail(f"{connection.trailers[ERROR_TYPE]} in the function")
        await invocation.finish()
        await connection.answer(202 if size <= limit else 413, [], b"")

    async def _take_error(self, connection: HttpConnection, invocation: Invocation) -> None:
        body = b"".join([chunk async for chunk in connection.read_body()])
        await invocation.fail(body[:1000].decode(errors="replace"))
        await connection.answer(202, [], b"")
