"""Forks of a session: made in one statement, and listed."""

from collections.abc import Sequence

from session_store._database import Database
from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    MessageNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
    SessionStoreError,
    StoreUnavailableError,
)
from session_store.identifiers import checked_new_session_id
from session_store.sending import Sending
from session_store.session_records import ForkRequest, ForkSummary

_MAXIMUM_FORKS = 100


def fork_session(
    database: Database, owner: str, session_id: str, request: ForkRequest, language: str, sending: Sending
) -> int | None:
    """The message after which the agent's state was recorded."""
    checked_new_session_id("session_id", request.session_id)
    rows, repeated = database.fetch(
        """
        SELECT decision, state_message_id, holder, seconds_left, database_time
        FROM {fork_session_v2}(%(owner)s, %(session_id)s, %(fork_id)s, %(agent_id)s, %(message_id)s,
                               %(language)s::regconfig, %(sent_at)s::float8, %(valid_seconds)s::float8)
        """,
        {
            "owner": owner,
            "session_id": session_id,
            "fork_id": request.session_id,
            "agent_id": request.agent_id,
            "message_id": request.message_id,
            "language": language,
            **sending._asdict(),
        },
    )
    decision, state_message_id, holder, seconds_left, database_time = rows[0]
    if decision == "late":
        raise StoreUnavailableError("the session was changed since this was sent", database_time=database_time)
    if decision == "forked" or (decision == "forked_before" and repeated):
        return state_message_id
    if decision == "busy":
        raise SessionBusyError(holder, max(seconds_left, 0.0))
    raise _refusal(decision, session_id, request)


def list_forks(database: Database, owner: str, session_id: str) -> Sequence[ForkSummary]:
    rows = database.fetch(
        """
        SELECT f.session_id, f.origin_message_id, {iso_timestamp_v1}(f.created_at),
               CASE WHEN f.removed_at >= f.updated_at THEN {iso_timestamp_v1}(f.removed_at) END
        FROM {sessions} s LEFT JOIN {sessions} f ON f.origin_key = s.session_key AND f.owner = s.owner
        WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
        ORDER BY f.created_at DESC
        LIMIT %(limit)s
        """,
        {"owner": owner, "session_id": session_id, "limit": _MAXIMUM_FORKS},
    ).rows
    if not rows:
        raise SessionNotFoundError(session_id)
    return [ForkSummary(*row) for row in rows if row[0] is not None]


def _refusal(decision: str, session_id: str, request: ForkRequest) -> SessionStoreError:
    if decision == "session_missing":
        return SessionNotFoundError(session_id)
    if decision == "agent_missing":
        return AgentNotFoundError(request.agent_id)
    if decision == "message_missing":
        return MessageNotFoundError(request.message_id or 0)
    return AlreadyExistsError("session", request.session_id)
