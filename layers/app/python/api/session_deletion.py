"""Deletes a session, and what was uploaded for it."""

from api.call import Call
from api.uploads import find_folder
from session_store.errors import SessionNotFoundError


def delete_with_uploads(call: Call, session_id: str) -> None:
    """Raises what the store raises, and `UploadsUnavailableError`."""
    try:
        call.store.sessions.delete(call.owner, session_id)
    except SessionNotFoundError:
        _delete_uploads(call, session_id)  # an earlier try may have ended between the two
        raise
    _delete_uploads(call, session_id)


def _delete_uploads(call: Call, session_id: str) -> None:
    if call.uploads is not None:
        call.uploads.delete_all(find_folder(call.owner, session_id))
