"""Writes outside a run: each begins with the session's own row, unless a run holds the session.

One that was sent before the session was last written changes nothing: it came late, or lost a race. A client that still
waits sends it again then, with a later moment.
"""

from collections.abc import Mapping
from typing import Any

from session_store._database import Database, Result
from session_store.connection import Statement
from session_store.errors import SessionBusyError, SessionNotFoundError, SessionStoreError, StoreUnavailableError
from session_store.sending import Sending


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
              AND to_timestamp(%(sent_at)s::float8) BETWEEN updated_at AND clock_timestamp() + interval '0.1 s'
            RETURNING session_key
        )
        """
    )


def write_free(database: Database, statement: Statement, parameters: Mapping[str, Any]) -> Result:
    """The result of a statement with that beginning, whose first column says whether the session is free.

    A client that still waits, and only was overtaken, sends it again.
    """
    repeated = False

    def send(sending: Sending) -> Result:
        nonlocal repeated
        result = database.fetch(statement, {**parameters, "sent_at": sending.sent_at})
        repeated = repeated or result.repeated
        if not result.rows or not result.rows[0][0]:
            _check_in_time(database, parameters, sending)
        return Result(result.rows, repeated)

    return database.send(send)


def _check_in_time(database: Database, parameters: Mapping[str, Any], sending: Sending) -> None:
    rows = database.fetch(
        """
        SELECT extract(epoch FROM clock_timestamp())::float8
        FROM {sessions}
        WHERE owner = %(owner)s AND session_id = %(session_id)s AND NOT {is_leased_v1}(lease_until)
          AND to_timestamp(%(sent_at)s::float8) NOT BETWEEN updated_at AND clock_timestamp() + interval '0.1 s'
        """,
        {**parameters, "sent_at": sending.sent_at},
    ).rows
    if rows:
        raise StoreUnavailableError("the session was written since this was sent", database_time=rows[0][0])


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
