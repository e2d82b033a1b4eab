"""ASGI's HTTP connections as requests, and responses as what an ASGI server sends.

asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from math import inf
from typing import NamedTuple, NoReturn
from urllib.parse import parse_qs

from api.application import Application
from api.call import Call
from api.cors import is_preflight, preflight_headers
from api.edges.asgi_caller import NOBODY, Caller, FindCaller
from api.edges.asgi_client import Body, Client, Pieces, Receive, Scope, Send, read_headers
from api.errors import RequestError, ServerBusyError
from api.operation import Operation
from api.request import Request
from api.response import Response
from api.routing import find_operation

PUBLIC_THREADS = 16


class _Arrived(NamedTuple):
    scope: Scope
    headers: Mapping[str, Sequence[str]]
    body: Body
    path_parameters: Mapping[str, str]
    request_id: str
    received: float


class AsgiEdge:
    """An ASGI application that answers each request by the operation of its method and path.

    A request has a thread from its begin to its end: what blocks holds up nobody else, and a client that reads slowly
    or goes away changes nothing of a turn. Of requests with an owner, `maximum_requests` are answered at once; more are
    refused with 503.
    """

    def __init__(
        self, operations: Iterable[Operation], application: Application, find_caller: FindCaller, maximum_requests: int
    ) -> None:
        self._operations = list(operations)
        self._application, self._find_caller = application, find_caller
        self._free = maximum_requests
        self._threads = ThreadPoolExecutor(maximum_requests + PUBLIC_THREADS, "request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"{scope['type']} connections are not served")
        received, client = time.monotonic(), Client(receive, send)
        body = await client.read_body(self._application.settings.max_body_bytes)
        operation, path_parameters = find_operation(self._operations, scope["method"], _path(scope))
        arrived = _Arrived(scope, read_headers(scope), body, path_parameters, str(uuid.uuid4()), received)
        if self._application.settings.cors_origins and is_preflight(scope["method"], arrived.headers):
            await self._answer(arrived, client, lambda: self._allow(arrived))
        elif operation is None or operation.access == "public":
            await self._answer(arrived, client, lambda: self._respond(operation, arrived, NOBODY))
        elif self._free:
            self._free -= 1
            await self._answer(arrived, client, lambda: self._respond_to_owner(operation, arrived), self._release)
        else:
            refusal = _refusing(operation, ServerBusyError())
            await self._answer(arrived, client, lambda: self._respond(refusal, arrived, NOBODY))

    async def _answer(
        self,
        arrived: _Arrived,
        client: Client,
        respond: Callable[[], Response],
        release: Callable[[], None] | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        pieces: Pieces = asyncio.Queue()

        def work() -> None:
            with self._application.observability.request_context(arrived.request_id):
                # Who only reads, as a run's events, has nothing that goes on without its client.
                is_over = client.has_left if arrived.scope["method"] == "GET" else _never
                _take(respond, lambda piece: loop.call_soon_threadsafe(pieces.put_nowait, piece), is_over)

        working = loop.run_in_executor(self._threads, copy_context().run, work)
        if release:
            working.add_done_callback(lambda _: release())
        try:
            await client.send_pieces(pieces)
        finally:
            await working  # the server waits for its connections' tasks before it ends

    def _allow(self, arrived: _Arrived) -> Response:
        origins = self._application.settings.cors_origins
        return Response(204, preflight_headers(origins, arrived.headers["origin"][-1]))

    def _release(self) -> None:
        self._free += 1

    def _respond_to_owner(self, operation: Operation, arrived: _Arrived) -> Response:
        try:
            caller = self._find_caller(arrived.headers)
        except RequestError as error:
            return self._respond(_refusing(operation, error), arrived, NOBODY)
        return self._respond(operation, arrived, caller)

    def _respond(self, operation: Operation | None, arrived: _Arrived, caller: Caller) -> Response:
        scope = arrived.scope
        request = Request(
            method=scope["method"],
            path=_path(scope),
            path_parameters=arrived.path_parameters,
            query=parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers={name: values[-1] for name, values in arrived.headers.items()},  # as API Gateway has them
            read_body=arrived.body.read,
            caller=caller.owner,
            request_id=arrived.request_id,
            received=arrived.received,
            deadline=inf,
            claims=caller.claims,
        )
        return self._application.respond(operation, request)


def _never() -> bool:
    return False


def _take(
    respond: Callable[[], Response],
    put: Callable[[Response | bytes | Exception | None], object],
    is_over: Callable[[], bool],
) -> None:
    """All of the response, as fast as it is made: a turn waits for no client."""
    try:
        response = respond()
        put(response)
        for piece in [response.body] if isinstance(response.body, str | bytes) else response.body:
            put(piece if isinstance(piece, bytes) else piece.encode(errors="surrogatepass"))
            if is_over():
                break
        put(None)
    except Exception as error:  # noqa: BLE001 - raised where the response is sent: the connection breaks off
        put(error)


def _refusing(operation: Operation, error: Exception) -> Operation:
    def refuse(_: Call) -> NoReturn:
        raise error

    return replace(operation, access="public", parameters=(), handle=refuse)


def _path(scope: Scope) -> str:
    """Percent-encoded, as the client sent it."""
    return scope["raw_path"].decode("latin-1")
