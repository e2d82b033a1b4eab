"""A real HTTP server between a client and a server, that loses answers or gives its own when told to."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fate = (
    Literal["pass", "lose the answer", "lose the request", "close after the answer", "answer after 1.5 s", "drip"]
    | Literal["cut the status line", "cut the headers", "cut the body", "cut between chunks"]
    | tuple[int, str]
)


@dataclass
class Relay:
    """`fates` holds what becomes of the next requests, in order; after them all pass.

    requests: method, target, headers and body of all that came. connections: how many were opened.
    """

    port: int
    target_port: int
    fates: list[Fate] = field(default_factory=list[Fate])
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list[Any])
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    relay: Relay
    protocol_version = "HTTP/1.1"
    timeout = 10

    def setup(self) -> None:
        self.relay.connections += 1
        super().setup()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.relay.requests.append((self.command, self.path, dict(self.headers.items()), body))
        fate = self.relay.fates.pop(0) if self.relay.fates else "pass"
        if isinstance(fate, tuple):
            self.answer(*fate)
            return
        answer = None if fate == "lose the request" else self.forward(body)
        if fate == "answer after 1.5 s":
            time.sleep(1.5)
        if answer and fate == "drip":
            self.drip(*answer)
        elif answer and fate.startswith("cut"):
            self.cut(fate, *answer)
        elif answer and fate != "lose the answer":
            self.answer(*answer, closes=fate == "close after the answer")
        else:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the library's names

    def forward(self, body: bytes) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.relay.target_port, timeout=30)
        headers = {"Content-Type": self.headers["Content-Type"]} if body else {}
        connection.request(self.command, self.path, body or None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def answer(self, status: int, text: str, *, closes: bool = False) -> None:
        self.send_response(status)
        if closes:  # the library ends the connection then
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def cut(self, fate: str, status: int, text: str) -> None:
        """Send the answer up to a point, then end the connection as a process that was killed does."""
        body = text.encode()
        status_line, half = b"HTTP/1.1 %d" % status, body[: len(body) // 2]
        whole = b"%b OK\r\nContent-Length: %d\r\n\r\n%b" % (status_line, len(body), body)
        chunk = b"%x\r\n%b\r\n" % (len(half), half) if half else b""
        sent = {
            "cut the status line": status_line,
            "cut the headers": status_line + b" OK\r\nContent-",
            "cut the body": whole[:-1],
            "cut between chunks": status_line + b" OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
        }
        self.wfile.write(sent[fate])
        self.close_connection = True

    def drip(self, status: int, text: str) -> None:
        """Byte after byte, until the client has enough."""
        self.close_connection = True
        try:
            for byte in b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%b" % (status, len(text), text.encode()):
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Quiet."""


@contextmanager
def relay_to(target_port: int) -> Iterator[Relay]:
    relay = Relay(0, target_port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"relay": relay}))
    server.daemon_threads = False
    relay.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
