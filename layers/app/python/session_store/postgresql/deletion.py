"""Deletes a session: at once for its owner, and of a large one the rest by `expire`."""

from session_store._database import Database
from session_store.errors import SessionNotFoundError, StoreUnavailableError

from .expiry import is_timeout

_MAX_ROWS = (10_000, 1_000, 100, 1)


def delete_session(database: Database, owner: str, session_id: str) -> None:
    """The session that is there now: not one that is created under its id meanwhile. Raises `SessionNotFoundError`."""
    rows = database.fetch(
        "SELECT session_key::text FROM {sessions} WHERE owner = %(owner)s AND session_id = %(session_id)s",
        {"owner": owner, "session_id": session_id},
    ).rows
    if not rows:
        raise SessionNotFoundError(session_id)
    for max_rows in _MAX_ROWS:
        try:
            while _delete(database, owner, rows[0][0], max_rows) == "visible":
                pass
        except StoreUnavailableError as error:
            if max_rows == _MAX_ROWS[-1] or not is_timeout(error):
                raise
        else:
            return


def _delete(database: Database, owner: str, session_key: str, max_rows: int) -> str:
    """See delete_session_v1."""
    deleted = database.fetch(
        "SELECT {delete_session_v1}(%(owner)s, %(session_key)s::uuid, %(max_rows)s)",
        {"owner": owner, "session_key": session_key, "max_rows": max_rows},
    )
    return deleted.rows[0][0]
