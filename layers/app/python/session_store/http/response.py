import http.client
import io
from typing import Any


class WholeResponse(http.client.HTTPResponse):
    """An answer whose connection ended within it raises, wherever that was.

    The library takes the end of the connection for the end of a status line, of the headers and of a chunk's size.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fp = _WholeLines(self.fp.detach())

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
