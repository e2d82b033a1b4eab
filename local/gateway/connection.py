"""The server side of one HTTP/1.1 connection: h11 is the protocol, asyncio the transport."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import h11

Headers = Sequence[tuple[str, str]]

READ_BYTES = 64 * 1024
# Closing a socket with unread input resets the connection, and the client may lose the response: read this much first.
LINGER_BYTES = 64 * 1024 * 1024
LINGER_SECONDS = 5
CLOSE_SECONDS = 60  # for a slow client to receive the rest


@dataclass(frozen=True)
class ConnectionLimits:
    """How long the other side is waited for; None is for ever.

    idle_seconds: for a request to begin. request_seconds: from its first byte to its last. stall_seconds: for it to
    take something of an answer, once it is more than `behind_bytes` behind.
    """

    headers_bytes: int
    idle_seconds: float | None = None
    request_seconds: float | None = None
    stall_seconds: float | None = None
    behind_bytes: int = 64 * 1024


class HttpConnection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: ConnectionLimits) -> None:
        self._reader, self._writer, self._limits = reader, writer, limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.headers_bytes)
        self._request_began_at: float | None = None
        self._without_body = False
        writer.transport.set_write_buffer_limits(high=limits.behind_bytes)
        self.trailers: dict[str, str] = {}
        self.status = 0

    async def read_request(self) -> h11.Request | None:
        """The next request on this connection, None when the client is gone. Raises `h11.RemoteProtocolError`."""
        self._request_began_at = None
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        self._without_body = event.method == b"HEAD"
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
            # RFC 9112, section 6.1: who reads it the other way sees a second request in it.
            raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
        return event

    async def read_body(self) -> AsyncIterator[bytes]:
        """The body of the request just read; at its end `trailers` holds its trailers, with lower-case names."""
        if self._http.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))
        while not isinstance(event := await self._next_event(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise ConnectionResetError("the client left in the middle of its request")
            yield bytes(event.data)
        self.trailers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response. Raises `h11.LocalProtocolError`, and sends nothing, if a header is not legal."""
        # RFC 9110, section 8.6: a 204 has neither a body nor a Content-Length.
        length = [] if status == HTTPStatus.NO_CONTENT else [("Content-Length", str(len(body)))]
        head = self._head(status, [*headers, *length])
        await self._send(head, *self._data(body), h11.EndOfMessage())

    async def start(self, status: int, headers: Headers) -> None:
        """Begin a response of unknown length. Raises as `answer` does."""
        await self._send(self._head(status, headers))

    async def send(self, data: bytes) -> None:
        """Send part of the body; waits while the client is too far behind."""
        await self._send(*self._data(data))

    async def end(self) -> None:
        await self._send(h11.EndOfMessage())

    def next_cycle(self) -> bool:
        """Prepare for another request; False if the connection must be closed instead."""
        with suppress(h11.LocalProtocolError):
            self._http.start_next_cycle()
            return True
        return False

    async def close(self) -> None:
        """Send what was written, then close; the client sees a response without its end as broken."""
        if self._http.their_state in {h11.SEND_BODY, h11.ERROR} and self._http.our_state is h11.MUST_CLOSE:
            await self._linger()
        self._writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), CLOSE_SECONDS)

    def abort(self) -> None:
        """Drop the connection and everything that the client has not received yet."""
        self._writer.transport.abort()

    def _head(self, status: int, headers: Headers) -> h11.Response:
        close = [] if self._http.their_state is h11.DONE else [("Connection", "close")]
        encoded = [(name.encode(), value.encode()) for name, value in [*headers, *close]]
        response = h11.Response(status_code=status, headers=encoded, reason=_reason(status))
        self.status, self._without_body = status, self._without_body or status in {204, 304}
        return response

    def _data(self, body: bytes) -> list[h11.Data]:
        return [h11.Data(data=body)] if body and not self._without_body else []

    async def _send(self, *events: h11.Event) -> None:
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        try:
            async with asyncio.timeout(self._limits.stall_seconds):
                await self._writer.drain()
        except TimeoutError:
            self.abort()
            raise ConnectionAbortedError("the client does not read") from None

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._read())
        return event

    async def _read(self) -> bytes:
        """Nothing when the client is gone, or has nothing more to ask."""
        try:
            async with asyncio.timeout_at(self._read_until()):
                data = await self._reader.read(READ_BYTES)
        except TimeoutError:
            if self._request_began_at is None:
                return b""
            raise h11.RemoteProtocolError("half a request", HTTPStatus.REQUEST_TIMEOUT) from None
        except OSError:
            return b""
        self._request_began_at = self._request_began_at or asyncio.get_running_loop().time()
        return data

    def _read_until(self) -> float | None:
        now, began_at = asyncio.get_running_loop().time(), self._request_began_at
        start, seconds = (
            (now, self._limits.idle_seconds) if began_at is None else (began_at, self._limits.request_seconds)
        )
        return None if seconds is None else start + seconds

    async def _linger(self) -> None:
        read_bytes = 0
        with suppress(TimeoutError, OSError):
            self._writer.write_eof()
            async with asyncio.timeout(LINGER_SECONDS):
                while read_bytes < LINGER_BYTES and (data := await self._reader.read(READ_BYTES)):
                    read_bytes += len(data)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
