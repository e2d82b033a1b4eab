"""Deletes sessions and agents in statements of bounded work.

A session is gone at once for its owner, and of a large one `expire` deletes the rest. Of an agent everything goes now.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from session_store._database import Database
from session_store.errors import AgentNotFoundError, SessionBusyError, SessionNotFoundError, StoreUnavailableError
from session_store.sending import Sending

from .expiry import is_timeout

_MAX_ROWS = (10_000, 1_000, 100, 1)


def delete_session(database: Database, owner: str, session_id: str, sending: Sending) -> None:
    """Raises `SessionNotFoundError`, and what `ServerClock.send` takes for another time."""
    _repeat(lambda max_rows: _delete(database, owner, session_id, sending, max_rows) == "visible")


def delete_agent(database: Database, owner: str, session_id: str, agent_id: str, sending: Sending) -> None:
    """Raises `AgentNotFoundError`, `SessionBusyError`, and what `delete_session` raises."""
    named = {"owner": owner, "session_id": session_id, "agent_id": agent_id, "deletion_id": str(uuid.uuid4())}
    _repeat(lambda max_rows: _delete_agent(database, {**named, "sent_at": sending.sent_at, "max_rows": max_rows}))


def _repeat(delete: Callable[[int], bool]) -> None:
    """Until it says that nothing is left, with fewer rows after a timeout."""
    for max_rows in _MAX_ROWS:
        try:
            while delete(max_rows):
                pass
        except StoreUnavailableError as error:
            if max_rows == _MAX_ROWS[-1] or not is_timeout(error):
                raise
        else:
            return


def _delete(database: Database, owner: str, session_id: str, sending: Sending, max_rows: int) -> str:
    """What has become of the session; see delete_session_v2.

    What rewinds took out of it, which no list shows, is hidden with it, unless somebody has gone on with it.
    """
    rows, repeated = database.fetch(
        """
        WITH deleted AS MATERIALIZED (
            SELECT state, database_time
            FROM {delete_session_v2}(%(owner)s, %(session_id)s, %(sent_at)s::float8, %(max_rows)s)
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


def _delete_agent(database: Database, parameters: Mapping[str, Any]) -> bool:
    """Whether messages are left; see delete_agent_v1."""
    rows, repeated = database.fetch(
        """
        SELECT state, database_time, holder, seconds_left
        FROM {delete_agent_v1}(%(owner)s, %(session_id)s, %(agent_id)s, %(deletion_id)s::uuid, %(sent_at)s::float8,
                               %(max_rows)s)
        """,
        parameters,
    )
    state, database_time, holder, seconds_left = rows[0]
    if state == "session_missing":
        raise SessionNotFoundError(parameters["session_id"])
    if state == "busy":
        raise SessionBusyError(holder, seconds_left)
    if state == "agent_missing" and not repeated:
        raise AgentNotFoundError(parameters["agent_id"])
    if state == "written":
        raise StoreUnavailableError("the session was written since this was sent", database_time=database_time)
    return state == "going"
