"""One address on which the gateway listens: turns a request into a function's response or a problem."""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from uuid import uuid4

import h11

from api.cors import is_preflight, preflight_headers, response_headers
from local.gateway.connection import HttpConnection
from local.gateway.event import Owner, Request, build_event
from local.gateway.event_queue import EventQueue
from local.gateway.gateway_problems import GatewayProblem, GatewayProblemError
from local.gateway.integration import answer_buffered, answer_streamed
from local.gateway.limits import Limits
from local.gateway.pool import RuntimePool
from local.gateway.routing import find_route
from local.gateway.server import Server
from local.gateway.table import Route
from session_store.background_runs import new_run_id

logger = logging.getLogger(__name__)

MALFORMED: dict[int, GatewayProblem] = {
    HTTPStatus.REQUEST_TIMEOUT: GatewayProblem.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: GatewayProblem.HEADERS_TOO_LARGE,
}
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Listener:
    def __init__(
        self,
        routes: Callable[[], Awaitable[Sequence[Route]]],
        pool: RuntimePool,
        queue: EventQueue,
        owner: Owner,
        limits: Limits,
        binary_media_types: Sequence[str],
        cors_origins: Sequence[str] = (),
    ) -> None:
        self._cors_origins = cors_origins
        self._routes, self._pool, self._queue = routes, pool, queue
        self._owner, self._limits = owner, limits
        self._binary_media_types = binary_media_types
        self._server = Server(self._serve, limits.connection)
        self.port = 0

    @property
    def origins(self) -> list[str]:
        """Of its own pages."""
        return [f"http://{name}:{self.port}" for name in LOOPBACK_NAMES]

    async def listen(self, port: int) -> None:
        """Start on 127.0.0.1; port 0 takes a free one. Raises `OSError` if the port is taken."""
        self.port = await self._server.listen(port)

    async def close(self) -> None:
        await self._server.close()

    async def _serve(self, connection: HttpConnection) -> None:
        while await self._serve_one(connection, str(uuid4())):
            pass

    async def _serve_one(self, connection: HttpConnection, request_id: str) -> bool:
        """Serve one request; False when the connection must be closed."""
        line, origin = "?", None
        try:
            head = await connection.read_request()
            if head is None:
                return False
            line = f"{head.method.decode('ascii')} {head.target.decode('ascii')}"
            headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
            origin = headers.get("origin")
            if self._cors_origins and is_preflight(head.method.decode("ascii"), headers):
                allowed = preflight_headers(self._cors_origins, origin)
                await connection.answer(HTTPStatus.NO_CONTENT, [*allowed.items()], b"")
            else:
                await self._exchange(connection, head, request_id)
        except h11.RemoteProtocolError as error:
            problem = MALFORMED.get(error.error_status_hint, GatewayProblem.BAD_REQUEST)
            await self._refuse(connection, problem, request_id, origin)
        except GatewayProblemError as error:
            await self._refuse(connection, error.problem, request_id, origin)
        logger.info("%s %s", line, connection.status)
        return connection.next_cycle()

    async def _exchange(self, connection: HttpConnection, head: h11.Request, request_id: str) -> None:
        request, route, event = await self._accept(connection, head, request_id)
        if route.function.asynchronous:
            return await self._queue_up(connection, request, route, event)
        invocation = await self._pool.invoke(route.function, event, self._find_caller(request))
        try:
            if route.function.streaming:
                await answer_streamed(connection, invocation, request, self._limits)
            else:
                await answer_buffered(connection, invocation, request, self._limits, self._binary_media_types)
        finally:
            invocation.abandon()

    async def _queue_up(self, connection: HttpConnection, request: Request, route: Route, event: bytes) -> None:
        """As the deployed API's mapping templates answer; see infra_cdk/background_runs.py."""
        if len(request.body) > self._limits.queued_body_bytes:
            raise GatewayProblemError(GatewayProblem.QUEUED_BODY_TOO_LARGE)
        self._queue.put(route.function, event, self._find_caller(request))
        address = f"/runs/{request.request_id}"
        accepted = {"run_id": request.request_id, "status": "queued", "run": address, "events": f"{address}/events"}
        headers = [
            ("Content-Type", "application/json"),
            ("Location", address),
            ("x-amzn-RequestId", request.request_id),
        ]
        await connection.answer(HTTPStatus.ACCEPTED, headers, json.dumps(accepted).encode())

    def _find_caller(self, request: Request) -> str:
        """Whom its process counts for: the caller, or the end user whom the caller acts for."""
        return f"{self._owner.user}/{request.header('end-user')}"

    async def _accept(
        self, connection: HttpConnection, head: h11.Request, request_id: str
    ) -> tuple[Request, Route, bytes]:
        """Everything that API Gateway checks before it invokes a function; returns the event as JSON, too."""
        headers = self._read_headers(head)
        host = self._own_host(headers)
        method, target = head.method.decode("ascii"), head.target.decode("ascii")
        path, _, query = target.partition("?")
        match = find_route(await self._routes(), method, path)
        if match is None:
            raise GatewayProblemError(GatewayProblem.ROUTE_NOT_FOUND)
        body = await self._read_body(connection, headers)
        if match.route.function.asynchronous:
            request_id = new_run_id(request_id, int(time.time() * 1000))
        request = Request(request_id, method, path, query, headers, body, host, self.port)
        owner = self._owner if match.route.needs_owner else None
        event = build_event(request, match, owner, self._binary_media_types)
        if len(event) > self._limits.event_bytes:
            raise GatewayProblemError(GatewayProblem.PAYLOAD_TOO_LARGE)
        return request, match.route, event

    def _read_headers(self, head: h11.Request) -> list[tuple[str, str]]:
        """Names keep the client's spelling."""
        raw = head.headers.raw_items()
        if sum(len(name) + len(value) for name, value in raw) > self._limits.request_headers_bytes:
            raise GatewayProblemError(GatewayProblem.HEADERS_TOO_LARGE)
        return [(name.decode("ascii"), value.decode("latin-1")) for name, value in raw]

    def _own_host(self, headers: Sequence[tuple[str, str]]) -> str:
        """The Host header's name. Refuses hosts that are not ours (DNS rebinding) and pages from other origins."""
        hosts = [value.lower() for name, value in headers if name.lower() == "host"]
        if len(hosts) != 1 or hosts[0] not in {f"{name}:{self.port}" for name in LOOPBACK_NAMES}:
            raise GatewayProblemError(GatewayProblem.HOST_NOT_ALLOWED)
        allowed = (f"http://{hosts[0]}", *self._cors_origins)
        if any(name.lower() == "origin" and value not in allowed for name, value in headers):
            raise GatewayProblemError(GatewayProblem.ORIGIN_NOT_ALLOWED)
        return hosts[0].rpartition(":")[0]

    async def _read_body(self, connection: HttpConnection, headers: Sequence[tuple[str, str]]) -> bytes:
        limit = self._limits.request_body_bytes
        if any(name.lower() == "content-length" and int(value) > limit for name, value in headers):
            raise GatewayProblemError(GatewayProblem.PAYLOAD_TOO_LARGE)
        body = bytearray()
        async for chunk in connection.read_body():
            body += chunk
            if len(body) > limit:
                raise GatewayProblemError(GatewayProblem.PAYLOAD_TOO_LARGE)
        return bytes(body)

    async def _refuse(
        self, connection: HttpConnection, problem: GatewayProblem, request_id: str, origin: str | None
    ) -> None:
        shared = response_headers(self._cors_origins, origin)
        headers = [("Content-Type", "application/problem+json"), ("x-amzn-RequestId", request_id), *shared.items()]
        if problem is GatewayProblem.TOO_MANY_REQUESTS:
            headers.append(("Retry-After", "1"))
        await connection.answer(problem.status, headers, problem.body(request_id))
