"""The connection that a function opens while it starts, or when its snapshot is restored; on the real runtime."""

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import h11
import psycopg
import pytest

from api import early_connection
from local.gateway.connection import HttpConnection
from local.gateway.environment import Environment
from local.gateway.gateway import ROOT
from local.gateway.invocation import Invocation
from local.gateway.limits import Limits
from local.gateway.runtime_api import PREFIX, RuntimeApi
from local.gateway.table import Function

SESSIONS = Function("sessions", timeout_seconds=29, memory_mb=512, streaming=False)
APPLICATION = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'session-store'"


class SilentDatabase:
    """A port that takes connections and answers nothing, until it becomes the database's."""

    def __init__(self, host: str, port: int) -> None:
        self._target, self._is_there = (host, port), False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._sockets = [self._server]
        threading.Thread(target=self._serve, daemon=True).start()

    def come(self) -> None:
        self._is_there = True

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._sockets.append(client)
            if self._is_there:
                server = socket.create_connection(self._target)
                self._sockets.append(server)
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_copy, args=ends, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass


@pytest.fixture
def silent_database(database_url: str) -> Iterator[SilentDatabase]:
    address = urlsplit(database_url)
    made = SilentDatabase(str(address.hostname), int(address.port or 5432))
    yield made
    made.close()


class RestoringRuntimeApi(RuntimeApi):
    """With SnapStart's call: it is answered when a copy of the snapshot comes to life."""

    def __init__(self, function: Function, limits: Limits) -> None:
        super().__init__(function, limits)
        self.snapshot_taken, self.restored = asyncio.Event(), asyncio.Event()

    async def _route(self, connection: HttpConnection, request: h11.Request) -> None:
        if not request.target.decode().endswith(f"{PREFIX}/restore/next"):
            return await super()._route(connection, request)
        self.snapshot_taken.set()
        await self.restored.wait()
        return await connection.answer(200, [], b"")


class SnapshotEnvironment(Environment):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.api = self._api = RestoringRuntimeApi(self.function, arguments[4])

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


async def run_environment(kind: type[Environment], url: str, behaviour: Callable[[Any], Awaitable[None]]) -> None:
    environment = kind(SESSIONS, ROOT / "functions/sessions", ROOT / "layers", {"SESSION_BACKEND_URL": url}, Limits())
    await environment.start(lambda _: None, lambda _: None)
    try:
        await asyncio.wait_for(behaviour(environment), 30)
    finally:
        await environment.close()


async def database_health(environment: Environment) -> int:
    event = json.loads((ROOT / "tests/support/events/rest_api.json").read_text())
    event |= {"httpMethod": "GET", "path": "/health/db", "resource": "/health/db", "pathParameters": None}
    event["requestContext"]["requestTimeEpoch"] = int(time.time() * 1000)
    invocation = Invocation(json.dumps(event).encode())
    serving = asyncio.create_task(environment.serve(invocation))
    answer = json.loads(b"".join([piece async for piece in invocation.read()]))
    await serving
    return answer["statusCode"]


def connections(url: str) -> list[tuple[int]]:
    with psycopg.connect(url) as connection:
        return connection.execute(APPLICATION, (urlsplit(url).path[1:],)).fetchall()


def test_a_started_function_is_connected_before_its_first_request(database_url: str) -> None:
    async def behaviour(environment: Environment) -> None:
        await environment._api.idle.wait()
        (early,) = connections(database_url)
        assert await database_health(environment) == 200
        assert connections(database_url) == [early]

    asyncio.run(run_environment(Environment, database_url, behaviour))


def test_a_database_that_is_away_at_the_start_delays_it_little_and_serves_when_it_comes(
    database_url: str, silent_database: SilentDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "local.gateway.environment")
    address = urlsplit(database_url)
    url = address._replace(netloc=address.netloc.replace(f":{address.port}", f":{silent_database.port}")).geturl()

    async def behaviour(environment: Environment) -> None:
        started = time.monotonic()
        await environment._api.idle.wait()
        assert time.monotonic() - started < 2 * early_connection.CONNECT_SECONDS + 4  # imports on a busy machine
        silent_database.come()
        assert await database_health(environment) == 200

    asyncio.run(run_environment(Environment, url, behaviour))
    (line,) = (record.message for record in caplog.records if "no early connection" in record.message)
    assert '"kind"' in line
    assert str(silent_database.port) not in line


def test_a_snapshot_has_no_connection_and_each_copy_of_it_one_of_its_own(database_url: str) -> None:
    async def behaviour(environment: SnapshotEnvironment) -> None:
        await environment.api.snapshot_taken.wait()
        assert connections(database_url) == []
        environment.api.restored.set()
        await environment.api.idle.wait()
        assert len(connections(database_url)) == 1
        assert await database_health(environment) == 200

    asyncio.run(run_environment(SnapshotEnvironment, database_url, behaviour))


def test_copies_of_a_snapshot_draw_different_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    monkeypatch.setattr(early_connection, "_connect", lambda *_: drawn.append(random.random()))  # noqa: S311
    for _ in range(2):
        random.seed(7)  # the snapshot's
        early_connection._restore(None, None)
    assert len(set(drawn)) == 2
