"""A bucket on a laptop: takes what `FolderUploads` has made addresses for, as S3 takes presigned requests."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from pathlib import Path

import h11

from api.cors import is_preflight, preflight_headers, response_headers
from api.uploads.folder import ADDRESS, FolderUploads, Ticket
from local.gateway.connection import ConnectionLimits, HttpConnection
from local.gateway.server import Server


class UploadServer:
    """On 127.0.0.1, on a free port. origins: of pages that may upload, beside programs."""

    def __init__(self, folder: Path, limits: ConnectionLimits, origins: Sequence[str] = ()) -> None:
        self._folder, self._uploads, self._origins = folder, FolderUploads(folder), set(origins)
        self._server = Server(self._serve, limits)

    async def listen(self) -> None:
        port = await self._server.listen()
        (self._folder / ADDRESS).write_text(f"http://127.0.0.1:{port}")

    def allow(self, origins: Iterable[str]) -> None:
        self._origins.update(origins)

    async def close(self) -> None:
        await self._server.close()

    async def _serve(self, connection: HttpConnection) -> None:
        try:
            while (head := await connection.read_request()) is not None:
                await self._exchange(connection, head)
                if not connection.next_cycle():
                    return
        except h11.RemoteProtocolError:
            await connection.answer(HTTPStatus.BAD_REQUEST, [], b"")

    async def _exchange(self, connection: HttpConnection, head: h11.Request) -> None:
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
        origin = headers.get("origin")
        if is_preflight(head.method.decode("ascii"), headers):
            allowed = preflight_headers(self._origins, origin)
            return await connection.answer(HTTPStatus.NO_CONTENT, [*allowed.items()], b"")
        status = await self._take(connection, head)
        return await connection.answer(status, [*response_headers(self._origins, origin).items()], b"")

    async def _take(self, connection: HttpConnection, head: h11.Request) -> HTTPStatus:
        """Whatever does not fit is Forbidden, as S3 says of a signature."""
        ticket = self._uploads.find_ticket(head.target.decode("ascii").removeprefix("/"))
        if ticket is None or not _fits(head, ticket):
            return HTTPStatus.FORBIDDEN
        content = b"".join([chunk async for chunk in connection.read_body()])
        self._uploads.write(ticket.key, content)
        return HTTPStatus.OK


def _fits(head: h11.Request, ticket: Ticket) -> bool:
    headers = dict(head.headers)
    return (
        head.method == b"PUT"
        and headers.get(b"content-type") == ticket.media_type.encode()
        and headers.get(b"content-length") == str(ticket.size_bytes).encode()
    )
