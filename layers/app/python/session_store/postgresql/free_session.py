"""Writes outside a run: each begins with the session's own row, unless a run holds the session."""

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import SessionBusyError, SessionNotFoundError, SessionStoreError


def with_free_session(assignments: Statement = "") -> Statement:
    """A statement's beginning: `free` holds the session's key, or nothing while a run holds the session.

    assignments: of further columns of the session, each with a comma before it.
    """
    return (
        """
        WITH free AS (
            UPDATE {sessions}
            SET updated_at = clock_timestamp()"""
        + assignments
        + """
            WHERE owner = %(owner)s AND session_id = %(session_id)s AND NOT {is_leased_v1}(lease_until)
            RETURNING session_key
        )
        """
    )


def explain_refusal(database: Database, owner: str, session_id: str) -> SessionStoreError:
    """Why a write found no session that it may change."""
    rows = database.fetch(
        """
        SELECT run_id::text, extract(epoch FROM lease_until - clock_timestamp())::float8
        FROM {sessions}
        WHERE owner = %(owner)s AND session_id = %(session_id)s
        """,
        {"owner": owner, "session_id": session_id},
    ).rows
    if not rows:
        return SessionNotFoundError(session_id)
    holder, seconds_left = rows[0]
    # The lease may have ended in between: then trying again at once is right.
    return SessionBusyError(holder or "unknown", max(seconds_left or 0.0, 0.0))
