"""Files that a caller uploads for a session, to name in a prompt: more than one request can hold.

They are there until they are used, and a day or two at most: what a prompt names is stored with its message.
"""

import hashlib
import re
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from api.settings import Settings

UPLOAD_ID = "[0-9a-f]{32}"
PROVIDER = "session-store"
"""Who has given the id, where a client's protocol asks for that."""
VALID_SECONDS = 900
"""For how long an address takes its upload."""


class NewUpload(NamedTuple):
    media_type: str
    size_bytes: int


class Uploads(Protocol):
    """By key, see `find_folder`. Every method raises `UploadsUnavailableError`."""

    def sign(self, key: str, upload: NewUpload) -> str:
        """An address that takes a PUT of exactly that media type and size, for `VALID_SECONDS`."""
        ...

    def read(self, key: str, max_bytes: int) -> bytes | None:
        """At most one byte more than `max_bytes`; None: nothing was uploaded there."""
        ...

    def delete_all(self, folder: str) -> None: ...


def new_upload_id() -> str:
    return uuid.uuid4().hex


def find_folder(owner: str, session_id: str) -> str:
    """The beginning of the keys of a session's uploads: ids are longer than a key may be, and have any characters."""
    return f"{_digest(owner)}/{_digest(session_id)}/"


def find_key(owner: str, session_id: str, upload_id: str) -> str | None:
    """None for what is no id of an upload."""
    return find_folder(owner, session_id) + upload_id if re.fullmatch(UPLOAD_ID, upload_id) else None


def open_uploads(settings: Settings) -> Uploads | None:
    """None: the service takes none."""
    return _open_uploads(settings.upload_bucket, settings.upload_folder)


def find_upload_origin(settings: Settings) -> str | None:
    """Where a page sends its uploads; None: nowhere. Without credentials, and without a request."""
    if settings.upload_bucket:
        from api.uploads.bucket import find_origin

        return find_origin(settings.upload_bucket)
    if settings.upload_folder:
        from api.uploads.folder import find_address

        with suppress(OSError):  # its server has not begun to listen
            return find_address(Path(settings.upload_folder))
    return None


@cache
def _open_uploads(bucket: str | None, folder: str | None) -> Uploads | None:
    if bucket:
        from api.uploads.bucket import BucketUploads  # here, as only who uses one pays for the import

        return BucketUploads(bucket)
    if folder:
        from api.uploads.folder import FolderUploads

        return FolderUploads(Path(folder))
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
