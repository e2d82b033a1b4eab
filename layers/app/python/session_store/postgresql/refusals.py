"""Why a write outside a run found no session that it may change."""

from session_store.database import Database
from session_store.errors import SessionBusyError, SessionNotFoundError, SessionStoreError


def refusal(database: Database, owner: str, session_id: str) -> SessionStoreError:
    rows = database.fetch(
        """
        SELECT run_id::text, extract(epoch FROM lease_until - clock_timestamp())::float8
        FROM sessions
        WHERE owner = %(owner)s AND session_id = %(session_id)s
        """,
        {"owner": owner, "session_id": session_id},
    ).rows
    if not rows:
        return SessionNotFoundError(session_id)
    holder, seconds_left = rows[0]
    # The lease may have ended in between: then trying again at once is right.
    return SessionBusyError(holder or "unknown", max(seconds_left or 0.0, 0.0))
