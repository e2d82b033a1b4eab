import http.client
import io
import socket
from math import inf
from typing import Any

from session_store.time_limit import within_limit


class WholeResponse(http.client.HTTPResponse):
    """An answer whose connection ended within it raises, wherever that was; likewise one that is not whole in time.

    The library takes the end of the connection for the end of a status line, of the headers and of a chunk's size.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = _WholeLines(_Parts(self.fp.detach(), sock))

    def begin(self) -> None:
        super().begin()
        if self.length is None and not self.chunked:
            raise http.client.HTTPException("nothing but the end of the connection marks the end of this answer")


class _WholeLines(io.BufferedReader):
    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise ConnectionResetError("the connection ended within the answer")
        return line


class _Parts(io.RawIOBase):
    """A socket's timeout is for each part that comes: however many there are, they end at the `time_limit`."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._socket = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._socket.settimeout(within_limit(self._socket.gettimeout() or inf))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
