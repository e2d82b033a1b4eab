"""The uploads that a prompt may name: the caller's own, for the session of the prompt."""

from api.call import Call
from api.content_blocks import ReadUpload
from api.uploads import find_key


def make_reader(call: Call, session_id: str | None) -> ReadUpload:
    """Raises `UploadsUnavailableError` when it is used."""

    def read(upload_id: str, max_bytes: int) -> bytes | None:
        if session_id is None or call.uploads is None:
            return None
        key = find_key(call.owner, session_id, upload_id)
        return None if key is None else call.uploads.read(key, max_bytes)

    return read
