"""A listening socket on the loopback address, one task a connection, all of them ended with it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from local.gateway.connection import HttpConnection


class Server:
    """`serve` handles one connection; a peer that goes away (`OSError`) ends it quietly."""

    def __init__(
        self, serve: Callable[[HttpConnection], Awaitable[None]], headers_bytes: int, idle_seconds: float | None = None
    ) -> None:
        self._serve, self._headers_bytes, self._idle_seconds = serve, headers_bytes, idle_seconds
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> int:
        """Start; 0 takes a free port; returns the port; `OSError` if it is taken."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  asyncio runs every connection in a task
        self._connections.add(task)
        connection = HttpConnection(reader, writer, self._headers_bytes, self._idle_seconds)
        try:
            with suppress(OSError):
                await self._serve(connection)
            await connection.close()
        except asyncio.CancelledError:
            connection.abort()  # by close(): nobody else awaits this task, and asyncio would log it as an error
        finally:
            self._connections.discard(task)
