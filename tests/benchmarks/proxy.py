"""A TCP proxy in a process of its own that delays each round trip and counts what passes.

    python -m tests.benchmarks.proxy TARGET_HOST TARGET_PORT DELAY_SECONDS

prints its port and its control port. A connection to the control port gets the counts since the last one, as JSON.
Threads that block, not an event loop: its timers are rounded up to whole milliseconds.
"""

import json
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from threading import Thread


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

    def forward(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(self._counts, self._delay_seconds, client, server)
        Thread(target=link.carry_answers, daemon=True).start()
        link.carry_requests()

    def report(self, client: socket.socket) -> None:
        counts = asdict(self._counts)
        self._counts.__init__()
        client.sendall(json.dumps(counts).encode())
        client.close()


class _Link:
    def __init__(self, counts: Counts, delay_seconds: float, client: socket.socket, server: socket.socket) -> None:
        self._counts = counts
        self._delay_seconds = delay_seconds
        self._client, self._server = client, server
        # An HTTP server that checks its Host must find its own address there.
        own, target = client.getsockname()[1], server.getpeername()[1]
        self._host = (f"Host: 127.0.0.1:{own}".encode(), f"Host: 127.0.0.1:{target}".encode())
        self._is_postgresql: bool | None = None
        self._server_spoke = True
        self._pending = b""

    def carry_requests(self) -> None:
        self._carry(self._client, self._server, self._request)

    def carry_answers(self) -> None:
        self._carry(self._server, self._client, self._answer)

    def _carry(self, source: socket.socket, target: socket.socket, passed: Callable[[bytes], bytes]) -> None:
        with suppress(OSError):  # whichever end closes first, the other follows
            while data := source.recv(1 << 16):
                target.sendall(passed(data))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _request(self, data: bytes) -> bytes:
        if self._server_spoke:
            self._server_spoke = False
            self._counts.round_trips += 1
            time.sleep(self._delay_seconds)
        self._counts.bytes_sent += len(data)
        if self._is_postgresql is None:  # its start-up message begins with the length of a few bytes, HTTP with a word
            self._is_postgresql = data[0] == 0
        if not self._is_postgresql:
            return data.replace(*self._host)
        self._count_statements(data)
        return data

    def _answer(self, data: bytes) -> bytes:
        self._server_spoke = True
        self._counts.bytes_received += len(data)
        return data

    def _count_statements(self, data: bytes) -> None:
        """Messages are a type, a length of four bytes that counts itself, and a body; the start-up has no type."""
        self._pending += data
        while len(self._pending) >= 5:
            has_type = self._pending[0] != 0
            length = int.from_bytes(self._pending[has_type : has_type + 4], "big") + has_type
            if len(self._pending) < length:
                return
            self._counts.statements += self._pending[:1] in (b"E", b"Q")
            self._pending = self._pending[length:]


def _serve(serve_one: Callable[[socket.socket], None]) -> int:
    """Each connection on a thread of its own; the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            Thread(target=serve_one, args=[listener.accept()[0]], daemon=True).start()

    Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def main() -> None:
    proxy = Proxy(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    print(_serve(proxy.forward), _serve(proxy.report), flush=True)
    sys.stdin.read()  # ends with whoever started it


if __name__ == "__main__":
    main()
