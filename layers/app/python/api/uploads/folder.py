"""Uploads in a folder of this machine, for which a server on it takes addresses as S3 does (`local.gateway.uploads`).

Of each address the folder has a ticket, which the server reads: what may be put where, and until when.
"""

import json
import shutil
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from typing import NamedTuple

from api.errors import UploadsUnavailableError
from api.uploads import VALID_SECONDS, NewUpload

KEPT_SECONDS = 24 * 3600.0
ADDRESS = "address"
"""The file with the server's own address."""


class Ticket(NamedTuple):
    key: str
    media_type: str
    size_bytes: int
    valid_until: float


def find_address(folder: Path) -> str:
    """Of the server. Raises `OSError` where none has begun to listen."""
    return (folder / ADDRESS).read_text()


class FolderUploads:
    def __init__(self, folder: Path) -> None:
        self._folder, self._files, self._tickets = folder, folder / "files", folder / "tickets"

    def sign(self, key: str, upload: NewUpload) -> str:
        self._delete_old()
        token = token_urlsafe(24)
        ticket = Ticket(key, *upload, time.time() + VALID_SECONDS)
        try:
            address = find_address(self._folder)
            self._tickets.mkdir(exist_ok=True)
            (self._tickets / token).write_text(json.dumps(ticket))
        except OSError as error:
            raise UploadsUnavailableError(str(error)) from error
        return f"{address}/{token}"

    def find_ticket(self, token: str) -> Ticket | None:
        """None: there is none, or no longer."""
        if not token.replace("-", "").replace("_", "").isalnum():
            return None
        try:
            ticket = Ticket(*json.loads((self._tickets / token).read_text()))
        except OSError:
            return None
        return ticket if time.time() < ticket.valid_until else None

    def write(self, key: str, content: bytes) -> None:
        """Whole or not at all."""
        path = self._files / key
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._folder / token_urlsafe(8)
        draft.write_bytes(content)
        draft.rename(path)

    def read(self, key: str, max_bytes: int) -> bytes | None:
        try:
            with (self._files / key).open("rb") as file:
                return file.read(max_bytes + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UploadsUnavailableError(str(error)) from error

    def delete_all(self, folder: str) -> None:
        shutil.rmtree(self._files / folder, ignore_errors=True)

    def _delete_old(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        for path in (*self._files.glob("*/*/*"), *self._tickets.glob("*")):
            with suppress(OSError):  # another process is doing the same
                if path.stat().st_mtime < oldest:
                    path.unlink()
