"""A TCP proxy in a process of its own that delays each round trip and counts what passes.

    python -m tests.benchmarks.proxy TARGET_HOST TARGET_PORT DELAY_SECONDS

prints its port and its control port. A connection to the control port gets the counts since the last one, as JSON.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """round_trips: how often the client spoke after the server had. statements: PostgreSQL's Execute and Query."""

    round_trips: int = 0
    statements: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class Proxy:
    def __init__(self, host: str, port: int, delay_seconds: float) -> None:
        self._target = (host, port)
        self._delay_seconds = delay_seconds
        self._counts = Counts()

    async def forward(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(*self._target)
        # An HTTP server that checks its Host must find its own address there.
        own_port = to_client.get_extra_info("sockname")[1]
        host = (f"Host: 127.0.0.1:{own_port}".encode(), f"Host: 127.0.0.1:{self._target[1]}".encode())
        link = _Link(self._counts, self._delay_seconds, host)
        tasks = [
            asyncio.create_task(link.requests(client, to_server)),
            asyncio.create_task(link.answers(server, to_client)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for writer in (to_client, to_server):
            writer.close()
        for task in tasks:
            task.cancel()

    async def report(self, _: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        to_client.write(json.dumps(asdict(self._counts)).encode())
        self._counts.__init__()
        to_client.close()


class _Link:
    def __init__(self, counts: Counts, delay_seconds: float, host: tuple[bytes, bytes]) -> None:
        self._counts = counts
        self._host = host
        self._delay_seconds = delay_seconds
        self._server_spoke = True
        self._pending = b""

    async def requests(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while data := await client.read(1 << 16):
            if self._server_spoke:
                self._server_spoke = False
                self._counts.round_trips += 1
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
            self._counts.bytes_sent += len(data)
            self._count_statements(data)
            to_server.write(data.replace(*self._host))
            await to_server.drain()

    async def answers(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while data := await server.read(1 << 16):
            self._server_spoke = True
            self._counts.bytes_received += len(data)
            to_client.write(data)
            await to_client.drain()

    def _count_statements(self, data: bytes) -> None:
        """Messages are a type, a length of four bytes that counts itself, and a body; the start-up has no type."""
        self._pending += data
        while len(self._pending) >= 5:
            has_type = self._pending[0] != 0
            length = int.from_bytes(self._pending[has_type : has_type + 4], "big") + has_type
            if len(self._pending) < length or length < 4:
                return
            self._counts.statements += self._pending[:1] in (b"E", b"Q")
            self._pending = self._pending[length:]


async def main() -> None:
    host, port, delay_seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    proxy = Proxy(host, port, delay_seconds)
    traffic = await asyncio.start_server(proxy.forward, "127.0.0.1", 0)
    control = await asyncio.start_server(proxy.report, "127.0.0.1", 0)
    print(traffic.sockets[0].getsockname()[1], control.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with whoever started it


if __name__ == "__main__":
    asyncio.run(main())
