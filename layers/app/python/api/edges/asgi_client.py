"""The client of one request: what it sends, and what it is sent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.errors import MalformedRequestError
from api.response import Response

# Like API Gateway, which reads no more of a request: what is larger is refused without its rest.
MAXIMUM_READ_BYTES = 10 * 1024 * 1024
BODY_SECONDS = 30.0

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pieces = asyncio.Queue[Response | bytes | Exception | None]
"""A response, its body piece by piece, and None behind the last; or an error in place of what is left."""


@dataclass(frozen=True, slots=True)
class Body:
    content: bytes
    error: MalformedRequestError | None = None

    def read(self) -> bytes:
        """Raises `MalformedRequestError`."""
        if self.error:
            raise self.error
        return self.content


def read_headers(scope: Scope) -> Mapping[str, Sequence[str]]:
    """All values of each header, by name in lower case."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


class Client:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._has_left = False

    def has_left(self) -> bool:
        """Known while pieces are sent to it."""
        return self._has_left

    async def read_body(self, limit_bytes: int) -> Body:
        """At most `limit_bytes` and one, though more is taken: a client that still sends reads no refusal."""
        content, taken_bytes, is_last = bytearray(), 0, False
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while not is_last and taken_bytes <= MAXIMUM_READ_BYTES:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        return Body(b"", MalformedRequestError("was broken off"))
                    piece: bytes = message.get("body", b"")
                    content += piece[: limit_bytes + 1 - len(content)]
                    taken_bytes += len(piece)
                    is_last = not message.get("more_body", False)
        except TimeoutError:
            return Body(b"", MalformedRequestError(f"did not come within {BODY_SECONDS:.0f} s"))
        return Body(bytes(content))

    async def send_pieces(self, pieces: Pieces) -> None:
        """A response to its end; pieces that came while one was being sent go together. Raises its error."""
        watching, has_more = asyncio.create_task(self._watch()), True
        try:
            while has_more:
                taken = [await pieces.get()]
                while not pieces.empty():
                    taken.append(pieces.get_nowait())
                has_more = await self._send_taken(taken)
        finally:
            watching.cancel()

    async def _send_taken(self, taken: Sequence[Response | bytes | Exception | None]) -> bool:
        """Whether more is to come."""
        for response in taken:
            if isinstance(response, Response):
                start = {"status": int(response.status), "headers": _dump(response)}
                await self._send({"type": "http.response.start", **start})
        last = taken[-1]
        if isinstance(last, Exception):
            raise last
        content = b"".join(piece for piece in taken if isinstance(piece, bytes))
        if content or last is None:
            await self._send({"type": "http.response.body", "body": content, "more_body": last is not None})
        return last is not None

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_left = True


def _dump(response: Response) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    body = response.body
    if isinstance(body, str | bytes) and response.status not in (204, 304):
        content = body if isinstance(body, bytes) else body.encode(errors="surrogatepass")
        headers.append((b"content-length", str(len(content)).encode()))
    return headers
