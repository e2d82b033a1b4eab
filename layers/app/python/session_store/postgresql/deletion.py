"""Deletes a session: at once for its owner, and of a large one the rest by `expire`."""

from session_store._database import Database
from session_store.errors import SessionNotFoundError, StoreUnavailableError
from session_store.sending import Sending

from .expiry import is_timeout

_MAX_ROWS = (10_000, 1_000, 100, 1)


def delete_session(database: Database, owner: str, session_id: str, sending: Sending) -> None:
    """Raises `SessionNotFoundError`, and what `ServerClock.send` takes for another time."""
    for max_rows in _MAX_ROWS:
        try:
            while _delete(database, owner, session_id, sending, max_rows) == "visible":
                pass
        except StoreUnavailableError as error:
            if max_rows == _MAX_ROWS[-1] or not is_timeout(error):
                raise
        else:
            return


def _delete(database: Database, owner: str, session_id: str, sending: Sending, max_rows: int) -> str:
    """What has become of the session; see delete_session_v1.

    What rewinds took out of it, which no list shows, is hidden with it, unless somebody has gone on with it.
    """
    rows, repeated = database.fetch(
        """
        WITH deleted AS MATERIALIZED (
            SELECT state, database_time
            FROM {delete_session_v1}(%(owner)s, %(session_id)s, %(sent_at)s::float8, %(max_rows)s)
        ), removed AS (
            UPDATE {sessions} s
            SET owner = '', session_id = s.session_key::text, updated_at = '-infinity', preview = '', title = NULL,
                metadata = NULL, removed_at = NULL
            FROM deleted d, {sessions} o
            WHERE d.state IN ('gone', 'hidden') AND o.owner = %(owner)s AND o.session_id = %(session_id)s
              AND s.origin_key = o.session_key AND s.owner = o.owner AND s.removed_at >= s.updated_at
              AND NOT {is_leased_v1}(s.lease_until)
            RETURNING s.session_key
        ), unanswered AS (
            DELETE FROM {runs} r USING removed WHERE r.session_key = removed.session_key
        )
        SELECT state, database_time FROM deleted
        """,
        {"owner": owner, "session_id": session_id, "sent_at": sending.sent_at, "max_rows": max_rows},
    )
    state, database_time = rows[0]
    if state == "written":
        raise StoreUnavailableError("the session was written since this was sent", database_time=database_time)
    if state == "missing" and not repeated:
        raise SessionNotFoundError(session_id)
    return state
