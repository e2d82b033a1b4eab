"""A TCP proxy that reads the PostgreSQL protocol between a client and a server, and can cut it where it hurts."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

_CANCEL_REQUEST = 80877102
Cut = Literal["before the statement", "before its answer"]


@dataclass
class Trace:
    """startups: parameters of each connection. sent: type and body of each message of the client after it logged in.

    answered: of the server. round_trips: how often the client had to wait, log-ins not counted.
    """

    startups: list[dict[str, str]] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    answered: list[tuple[str, bytes]] = field(default_factory=list)
    cancel_requests: int = 0
    round_trips: int = 0

    @property
    def row_count(self) -> int:
        return sum(kind == "D" for kind, _ in self.answered)

    @property
    def row_bytes(self) -> int:
        return sum(len(body) for kind, body in self.answered if kind == "D")

    @property
    def parses(self) -> list[tuple[str, str]]:
        """Name and text of each prepared statement; an unnamed one is gone with the next."""
        return [_parse(body) for kind, body in self.sent if kind == "P"]

    @property
    def statements(self) -> list[str]:
        return [text for _, text in self.parses] + [body[:-1].decode() for kind, body in self.sent if kind == "Q"]


class WireProxy:
    """Forwards to the server of `url`; `trace` holds what passed since the last `reset`.

    `cut_once(text, where)`: breaks both connections at the next statement that contains `text`, either before the
    server sees it, or after the server has carried it out and before the client hears of it.
    `spoil_once(part, spoiled)`: replaces bytes of the next answer that has them by as many others.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._cut: tuple[bytes, Cut] | None = None
        self._spoil: tuple[bytes, bytes] | None = None
        self._refused_connections = 0
        self.cuts = 0
        self.trace = Trace()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        login = self._parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        return urlunsplit(
            (
                "postgresql",
                f"{login}@127.0.0.1:{port}",
                self._parts.path,
                "sslmode=disable&gssencmode=disable",
                "",
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._listener, *self._sockets):
            _close(opened)

    def reset(self) -> None:
        self.trace = Trace()

    def cut_once(self, text: str, where: Cut) -> None:
        self._cut = (text.encode(), where)

    def spoil_once(self, part: bytes, spoiled: bytes) -> None:
        assert len(part) == len(spoiled)
        self._spoil = part, spoiled

    def cut_next_connection(self) -> None:
        self._refused_connections = 1

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                if self._refused_connections:
                    self._refused_connections -= 1
                    _close(client)
                    continue
                server = socket.create_connection((self._parts.hostname or "", self._parts.port or 5432))
            except ConnectionRefusedError:
                _close(client)
                continue
            except OSError:
                return
            self._sockets += [client, server]
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(self, client, server)
            threading.Thread(target=link.forward_requests, daemon=True).start()
            threading.Thread(target=link.forward_answers, daemon=True).start()

    def take_cut(self, statement: bytes) -> Cut | None:
        if self._cut and self._cut[0] in statement:
            _, where = self._cut
            self._cut = None
            self.cuts += 1
            return where
        return None

    def spoil(self, answer: bytes) -> bytes:
        if self._spoil is None or self._spoil[0] not in answer:
            return answer
        (part, spoiled), self._spoil = self._spoil, None
        return answer.replace(part, spoiled)


class _Link:
    def __init__(self, proxy: WireProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._logged_in = False
        self._swallow_answer = False

    def forward_requests(self) -> None:
        try:
            self._forward_startup()
            for kind, body, raw in _messages(self._client):
                if self._logged_in:
                    self._proxy.trace.sent.append((kind, body))
                    if kind in "PQ" and (where := self._proxy.take_cut(body)):
                        if where == "before the statement":
                            break
                        self._swallow_answer = True
                self._server.sendall(raw)
        except OSError:
            pass
        self._close()

    def forward_answers(self) -> None:
        try:
            for kind, body, raw in _messages(self._server):
                if self._logged_in:
                    self._proxy.trace.answered.append((kind, body))
                if self._swallow_answer:
                    if kind == "Z":  # ReadyForQuery: the server has committed
                        break
                    continue
                if kind == "Z":
                    self._proxy.trace.round_trips += self._logged_in
                    self._logged_in = True
                self._client.sendall(self._proxy.spoil(raw))
        except OSError:
            pass
        self._close()

    def _forward_startup(self) -> None:
        raw = _exactly(self._client, 4)
        body = _exactly(self._client, struct.unpack("!I", raw)[0] - 4)
        if struct.unpack("!I", body[:4])[0] == _CANCEL_REQUEST:
            self._proxy.trace.cancel_requests += 1
        else:
            words = body[4:].decode().split("\0")
            self._proxy.trace.startups.append(dict(zip(words[::2], words[1::2], strict=False)))
        self._server.sendall(raw + body)

    def _close(self) -> None:
        _close(self._client)
        _close(self._server)


def _messages(source: socket.socket) -> Iterator[tuple[str, bytes, bytes]]:
    while True:
        head = _exactly(source, 5)
        body = _exactly(source, struct.unpack("!I", head[1:])[0] - 4)
        yield head[:1].decode(), body, head + body


def _exactly(source: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = source.recv(min(size, 1 << 20))
        if not part:
            raise ConnectionResetError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _parse(body: bytes) -> tuple[str, str]:
    name, text, _ = body.split(b"\0", 2)
    return name.decode(), text.decode()


def _close(opened: socket.socket) -> None:
    # shutdown wakes the thread that reads from it; close alone would not.
    with contextlib.suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
    opened.close()
