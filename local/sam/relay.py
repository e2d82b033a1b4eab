"""Relays connections between two addresses: `relay.py LISTEN CONNECT`, each `HOST:PORT` or the path of a socket file.

It runs in a container without other files, so it uses the standard library only.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

CHUNK_BYTES = 64 * 1024
Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def listen(address: str, accept: Accept) -> asyncio.Server:
    if address.startswith("/"):
        return await asyncio.start_unix_server(accept, address)
    host, _, port = address.rpartition(":")
    return await asyncio.start_server(accept, host, int(port))


async def connect(address: str) -> Streams:
    if address.startswith("/"):
        return await asyncio.open_unix_connection(address)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def relay(client: Streams, address: str) -> None:
    """Copy in both directions until both have ended; if one side breaks, the other ends too."""
    with contextlib.closing(client[1]), contextlib.suppress(OSError):
        server = await connect(address)
        with contextlib.closing(server[1]):
            await asyncio.gather(_copy(client[0], server[1]), _copy(server[0], client[1]))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


async def main(listening: str, target: str) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await relay((reader, writer), target)

    server = await listen(listening, accept)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
