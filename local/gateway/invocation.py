"""One invocation on its way: the event going to a runtime process, the response coming back piece by piece."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

PIECES_AHEAD = 16


class InvocationError(Exception):
    """The function gave no whole response: it raised, crashed, timed out or never started."""


class Invocation:
    """Written by the runtime's side, read by the gateway's.

    The writer waits for the reader, at most `PIECES_AHEAD` pieces ahead; once `abandon`ed, everything is discarded
    and the function runs on, as Lambda's does when nobody waits for it any more.
    """

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.request_id = str(uuid4())
        self.handed_out = asyncio.Event()
        self.finished = asyncio.Event()
        self._pieces: asyncio.Queue[bytes | InvocationError | None] = asyncio.Queue(PIECES_AHEAD)
        self._abandoned = False

    async def write(self, piece: bytes) -> None:
        if not self.finished.is_set():
            await self._put(piece)

    async def finish(self) -> None:
        if not self.finished.is_set():
            self.finished.set()
            await self._put(None)

    async def fail(self, reason: str) -> None:
        if not self.finished.is_set():
            self.finished.set()
            await self._put(InvocationError(reason))

    async def read(self) -> AsyncGenerator[bytes]:
        """The response's bytes as they come; raises `InvocationError`, also after some of them."""
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, InvocationError):
                raise piece
            yield piece

    def abandon(self) -> None:
        self._abandoned = True
        while not self._pieces.empty():  # wakes a writer that waits for room
            self._pieces.get_nowait()

    async def _put(self, piece: bytes | InvocationError | None) -> None:
        if not self._abandoned:
            await self._pieces.put(piece)
