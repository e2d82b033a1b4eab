"""A TCP proxy that does to connections what networks do, before PostgreSQL, pgbouncer or the session backend."""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from tests.reliability.chaos import CALM, Chaos, Fault, Network

T = TypeVar("T")

PIECE_BYTES = 1 << 20
QUIET_SECONDS = 0.02  # a sender that pauses for so long has sent what it had
ANSWER_SECONDS = 10
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: end at once


class ChaosProxy:
    """Forwards to the server of `url` (postgresql:// or http://) within the `with` block.

    Each connection draws its faults from `seed` and its own number: where the same clients connect in the same order,
    they are the same again.
    """

    def __init__(self, url: str, chaos: Chaos = CALM, seed: int = 0) -> None:
        self._parts = urlsplit(url)
        self._seed, self._connections = seed, 0
        self._network = Network(chaos)
        self._links: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return self.url_of(self._parts.geturl())

    def url_of(self, url: str) -> str:
        """The same through this proxy: another database or path on its server."""
        parts = urlsplit(url)
        login, at, _ = parts.netloc.rpartition("@")
        query = "sslmode=disable&gssencmode=disable" if parts.scheme == "postgresql" else ""
        return parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}", query=query).geturl()

    @property
    def counts(self) -> dict[Fault, int]:
        """How often each fault has happened."""
        return dict(self._network.counts)

    def change(self, chaos: Chaos) -> None:
        """What holds from the next request on."""
        self._network.chaos = chaos

    def plan(self, fault: Fault, containing: bytes = b"") -> None:
        """Let the next request that contains these bytes meet `fault`."""
        self._network.planned.append((fault, containing))

    def deliver(self) -> int:
        """Deliver at once what is late, and return how many requests that were, once the server has answered them."""
        return self._call(self._network.deliver())

    def part(self, seconds: float) -> None:
        """Let nothing pass for so long."""
        self._loop.call_soon_threadsafe(self._network.part, seconds)

    def cut(self) -> None:
        """End every connection that there is now."""
        self._loop.call_soon_threadsafe(lambda: [link.cancel() for link in self._links])

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        chance = random.Random(f"{self._seed}/{self._connections}")
        link = asyncio.create_task(self._link(_End(reader, writer), chance))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, client: "_End", chance: random.Random) -> None:
        try:
            await self._network.whole.wait()
            host, port = self._parts.hostname or "", self._parts.port or 5432
            with suppress(OSError):
                server = _End(*await asyncio.open_connection(host, port))
                await _Link(self._network, client, server, chance).run()
        finally:
            client.drop(chance)

    async def _close(self) -> None:
        self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)


class _End:
    """One end of a connection: a socket of the proxy's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host_header = "Host: {}:{}".format(*writer.get_extra_info("sockname")).encode()
        self.peer_host_header = "Host: {}:{}".format(*writer.get_extra_info("peername")).encode()

    async def read(self) -> bytes:
        return await self._reader.read(PIECE_BYTES)

    async def read_until_quiet(self, seconds: float | None) -> bytes:
        """What comes until nothing comes for so long, or it ends."""
        received = b""
        with suppress(TimeoutError, OSError):
            while data := await asyncio.wait_for(self.read(), seconds):
                received += data
        return received

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def drop(self, chance: random.Random | None = None) -> None:
        """As a process that is killed does; by chance with a reset, as a router does."""
        if chance and chance.random() < 0.5 and not self._writer.is_closing():
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()


class _Link:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, network: Network, client: _End, server: _End, chance: random.Random) -> None:
        self._network, self._client, self._server, self._chance = network, client, server, chance
        self._is_http: bool | None = None
        self._answer_fault: Fault | None = None
        self._answers: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until either end has gone; a request that is late, until the server has answered it."""
        self._answers = asyncio.create_task(self._carry_answers())
        requests = asyncio.create_task(self._carry_requests())
        try:
            await asyncio.wait({requests, self._answers}, return_when=asyncio.FIRST_COMPLETED)
            if self._answer_fault == "deliver late":
                await requests
        finally:
            requests.cancel()
            self._answers.cancel()
            await asyncio.gather(requests, self._answers, return_exceptions=True)
            self._server.drop()

    async def _carry_requests(self) -> None:
        while data := await self._client.read():
            await self._network.whole.wait()
            request = self._readdressed(data)
            fault = self._network.fault_for(request, self._chance)
            if not await self._survives(fault, request):
                return
            await self._server.send(request)

    async def _survives(self, fault: Fault | None, request: bytes) -> bool:
        """Meet the fault; whether the request is then forwarded."""
        match fault:
            case "delay":
                await asyncio.sleep(self._chance.uniform(*self._network.chaos.delay_seconds))
            case "partition":
                self._network.part(self._chance.uniform(*self._network.chaos.partition_seconds))
                await self._network.whole.wait()
            case "lose the answer" | "cut the answer":
                self._answer_fault = fault
            case "deliver late":
                await self._deliver_late(request)
            case "silence":
                await self._client.read_until_quiet(None)
            case "cut" | None:
                pass
        return fault not in ("cut", "deliver late", "silence")

    async def _deliver_late(self, request: bytes) -> None:
        self._answer_fault = "deliver late"
        if self._answers:
            self._answers.cancel()
        request += self._readdressed(await self._client.read_until_quiet(QUIET_SECONDS))
        self._client.drop(self._chance)
        held = self._network.hold(self._chance)
        try:
            await held.released.wait()
            await self._server.send(request)
            await asyncio.wait_for(self._server.read(), ANSWER_SECONDS)
            await self._server.read_until_quiet(QUIET_SECONDS)
        finally:
            held.answered.set()

    async def _carry_answers(self) -> None:
        while data := await self._server.read():
            await self._network.whole.wait()
            if self._answer_fault == "lose the answer":
                await self._server.read_until_quiet(QUIET_SECONDS)
                return
            if self._answer_fault == "cut the answer":
                await self._client.send(data[: self._chance.randrange(len(data))])
                await asyncio.sleep(QUIET_SECONDS)  # a reset overtakes what is on its way
                return
            await self._client.send(data)

    def _readdressed(self, data: bytes) -> bytes:
        """An HTTP server may check that a request names its own address."""
        if self._is_http is None:  # PostgreSQL's first message begins with the length of a few bytes
            self._is_http = data[0] != 0
        if not self._is_http:
            return data
        return data.replace(self._client.host_header, self._server.peer_host_header)
