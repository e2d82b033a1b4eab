"""One invocation: the event for a runtime process, and the response coming back in chunks."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

CHUNKS_AHEAD = 16


class InvocationError(Exception):
    """The function gave no complete response: it raised, crashed, timed out or never started."""


class Invocation:
    """Written by the Runtime API, read by the gateway.

    The writer is at most `CHUNKS_AHEAD` chunks ahead of the reader. After `abandon` everything is discarded and the
    function keeps running, as on Lambda when the client is gone.
    """

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.request_id = str(uuid4())
        self.handed_out = asyncio.Event()
        self.finished = asyncio.Event()
        self._chunks: asyncio.Queue[bytes | InvocationError | None] = asyncio.Queue(CHUNKS_AHEAD)
        self._abandoned = False

    async def write(self, chunk: bytes) -> None:
        if not self.finished.is_set():
            await self._put(chunk)

    async def finish(self) -> None:
        if not self.finished.is_set():
            self.finished.set()
            await self._put(None)

    async def fail(self, reason: str) -> None:
        if not self.finished.is_set():
            self.finished.set()
            await self._put(InvocationError(reason))

    async def read(self) -> AsyncGenerator[bytes]:
        """The response's bytes as they arrive. Raises `InvocationError`, possibly after some of them."""
        while (chunk := await self._chunks.get()) is not None:
            if isinstance(chunk, InvocationError):
                raise chunk
            yield chunk

    def abandon(self) -> None:
        self._abandoned = True
        while not self._chunks.empty():  # wakes a writer that waits for space
            self._chunks.get_nowait()

    async def _put(self, chunk: bytes | InvocationError | None) -> None:
        if not self._abandoned:
            await self._chunks.put(chunk)
