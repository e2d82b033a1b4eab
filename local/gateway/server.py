"""A listening socket on the loopback address, with one task per connection; closing it ends them all."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from local.gateway.connection import ConnectionLimits, HttpConnection


class Server:
    """`serve` handles one connection; its `OSError`, a client that goes away, ends the connection quietly."""

    def __init__(self, serve: Callable[[HttpConnection], Awaitable[None]], limits: ConnectionLimits) -> None:
        self._serve, self._limits = serve, limits
        self._connections: dict[asyncio.Task[None], HttpConnection] = {}
        self._server: asyncio.Server | None = None
        self._closed = False

    async def listen(self, port: int = 0) -> int:
        """Start and return the port; 0 takes a free one. Raises `OSError` if it is taken."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()
        connections = dict(self._connections)
        for task, connection in connections.items():
            connection.abort()
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = HttpConnection(reader, writer, self._limits)
        if self._closed:  # accepted before `close`, reported after it
            return connection.abort()
        task = asyncio.create_task(self._handle(connection))
        self._connections[task] = connection
        return task.add_done_callback(self._connections.pop)

    async def _handle(self, connection: HttpConnection) -> None:
        try:
            with suppress(OSError):
                await self._serve(connection)
            await connection.close()
        finally:
            connection.abort()
