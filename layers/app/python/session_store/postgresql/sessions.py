from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import AlreadyExistsError, SessionNotFoundError, StoreUnavailableError
from session_store.identifiers import checked_new_session_id
from session_store.records import MultiAgentRecord, SessionPage, SessionRecord
from session_store.rewind import check_cut
from session_store.sending import Sending
from session_store.session_patch import MAXIMUM_METADATA_BYTES, SessionPatch, metadata_too_large
from session_store.session_records import (
    EVERY_SESSION,
    ForkRecord,
    ForkRequest,
    ForkSummary,
    SessionFilter,
    SessionMatch,
)

from .cursors import NEWEST, dump_cursor, parse_cursor
from .deletion import delete_session
from .expiry import Batch, Expiry
from .forks import fork_session, list_forks
from .free_session import explain_refusal, with_free_session, write_free
from .leftovers import expire_leftovers
from .message_words import MessageWords
from .messages import PostgreSQLMessages
from .session_rows import IS_LATE_CREATION, IS_LISTED, SESSION_COLUMNS
from .session_search import search_sessions

_FILTERED: Statement = """
    JOIN {session_index} i ON i.session_key = s.session_key
                          AND i.labels @> {session_labels_v1}(%(owner)s, %(names)s::text[], %(values)s::text[])
"""


class PostgreSQLSessions:
    def __init__(self, database: Database, messages: PostgreSQLMessages, words: MessageWords) -> None:
        self._database = database
        self._messages, self._words = messages, words

    def create(self, owner: str, session: SessionRecord, multi_agent: MultiAgentRecord | None = None) -> None:
        parameters = {
            "owner": owner,
            "session_id": checked_new_session_id("session_id", session.session_id),
            "session_type": session.session_type,
            "created_at": _with_offset(session.created_at),
            "updated_at": _with_offset(session.updated_at),
            **_multi_agent(multi_agent),
        }
        is_created, repeated = self._database.send(partial(self._create, parameters))
        if not is_created and not (repeated and self._is_stored(owner, session)):
            raise AlreadyExistsError("session", session.session_id)
        if session.title or session.metadata != "{}":
            self.patch(owner, session.session_id, SessionPatch(session.title, session.metadata))

    def _create(self, parameters: dict[str, Any], sending: Sending) -> tuple[bool, bool]:
        """Whether it was created, and whether an earlier try may have been. As a begin it brings nothing back."""
        rows, repeated = self._database.fetch(
            """
            WITH created AS (
                INSERT INTO {sessions} (owner, session_id, session_type, created_at, updated_at, error_code)
                SELECT %(owner)s, %(session_id)s, %(session_type)s,
                       %(created_at)s::timestamptz, least(%(updated_at)s::timestamptz, clock_timestamp()), NULL
                WHERE NOT """
            + IS_LATE_CREATION
            + """
                ON CONFLICT (owner, session_id) DO NOTHING
                RETURNING session_key
            ), orchestrated AS (
                INSERT INTO {multi_agents} (session_key, multi_agent_id, state)
                SELECT session_key, %(multi_agent_id)s, %(multi_agent_state)s::json
                FROM created
                WHERE %(multi_agent_id)s::text IS NOT NULL
            )
            SELECT EXISTS (SELECT FROM created), extract(epoch FROM clock_timestamp())::float8,
            """
            + IS_LATE_CREATION,
            {**parameters, "sent_at": sending.sent_at},
        )
        is_created, database_time, is_late = rows[0]
        if is_late and not is_created:
            raise StoreUnavailableError("the session was deleted since this was sent", database_time=database_time)
        return is_created, repeated

    def _is_stored(self, owner: str, session: SessionRecord) -> bool:
        stored = self.read(owner, session.session_id)
        return stored is not None and stored._replace(title=session.title, metadata=session.metadata) == session

    def update(self, owner: str, session_id: str, session_type: str, multi_agent: MultiAgentRecord | None) -> None:
        rows = write_free(
            self._database,
            with_free_session(", session_type = %(session_type)s")
            + """
            , orchestrated AS (
                INSERT INTO {multi_agents} (session_key, multi_agent_id, state)
                SELECT session_key, %(multi_agent_id)s, %(multi_agent_state)s::json
                FROM free
                WHERE %(multi_agent_id)s::text IS NOT NULL
                ON CONFLICT (session_key, multi_agent_id)
                DO UPDATE SET state = EXCLUDED.state, updated_at = clock_timestamp()
            )
            SELECT 1 FROM free
            """,
            {"owner": owner, "session_id": session_id, "session_type": session_type, **_multi_agent(multi_agent)},
        ).rows
        if not rows:
            raise explain_refusal(self._database, owner, session_id)

    def read(self, owner: str, session_id: str) -> SessionRecord | None:
        rows = self._database.fetch(
            "SELECT"
            + SESSION_COLUMNS
            + """
            FROM {sessions} s
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            """,
            {"owner": owner, "session_id": session_id},
        ).rows
        return SessionRecord(*rows[0]) if rows else None

    def list(
        self, owner: str, *, limit: int = 50, cursor: str | None = None, only: SessionFilter = EVERY_SESSION
    ) -> SessionPage:
        before, before_key = parse_cursor(owner, cursor) if cursor else NEWEST
        rows = self._database.fetch(
            "SELECT s.session_key::text,"
            + SESSION_COLUMNS
            + "FROM {sessions} s"
            + (_FILTERED if only.title is not None or only.metadata else "")
            + """
            WHERE s.owner = %(owner)s
              AND (s.updated_at, s.session_key) < (%(before)s::timestamptz, %(before_key)s::uuid)
              AND"""
            + IS_LISTED
            + """
            ORDER BY s.updated_at DESC, s.session_key DESC
            LIMIT %(limit)s
            """,
            {"owner": owner, "before": before, "before_key": before_key, "limit": limit + 1, **_dump_filter(only)},
        ).rows
        page = [SessionRecord(*row[1:]) for row in rows[:limit]]
        more = len(rows) > limit and limit > 0
        return SessionPage(page, dump_cursor(owner, page[-1].updated_at, rows[limit - 1][0]) if more else None)

    def page(self, owner: str, *, limit: int, offset: int, include_empty: bool = False) -> Sequence[SessionRecord]:
        rows = self._database.fetch(
            "SELECT"
            + SESSION_COLUMNS
            + """
            FROM {sessions} s
            WHERE s.owner = %(owner)s AND"""
            + IS_LISTED
            + """
            ORDER BY s.updated_at DESC, s.session_key DESC
            LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"owner": owner, "limit": limit, "offset": offset, "include_empty": include_empty},
        ).rows
        return [SessionRecord(*row) for row in rows]

    def count(self, owner: str, *, include_empty: bool = False) -> int:
        counted = self._database.fetch(
            "SELECT count(*) FROM {sessions} s WHERE s.owner = %(owner)s AND" + IS_LISTED,
            {"owner": owner, "include_empty": include_empty},
        )
        return counted.rows[0][0]

    def search(self, owner: str, query: str, *, limit: int = 50) -> Sequence[SessionMatch]:
        return search_sessions(self._database, self._words, owner, query, limit)

    def patch(self, owner: str, session_id: str, patch: SessionPatch) -> SessionRecord:
        """As of a deletion: one that was sent before the session was last written or described changes nothing."""
        decision = self._database.send(partial(self._patch, owner, session_id, patch))
        if decision == "too_large":
            raise metadata_too_large()
        stored = self.read(owner, session_id) if decision == "updated" else None
        if stored is None:
            raise SessionNotFoundError(session_id)
        return stored

    def _patch(self, owner: str, session_id: str, patch: SessionPatch, sending: Sending) -> str:
        ((decision, database_time),) = self._database.fetch(
            """
            SELECT decision, database_time
            FROM {update_session_v2}(%(owner)s, %(session_id)s, %(title)s, %(metadata)s::jsonb, %(max_bytes)s,
                                     %(language)s::regconfig, %(sent_at)s::float8, %(valid_seconds)s::float8)
            """,
            {
                "owner": owner,
                "session_id": session_id,
                "max_bytes": MAXIMUM_METADATA_BYTES,
                "language": self._words.language,
                **patch._asdict(),
                **sending._asdict(),
            },
        ).rows
        if decision == "late":
            raise StoreUnavailableError("the session was changed since this was sent", database_time=database_time)
        return decision

    def fork(self, owner: str, session_id: str, request: ForkRequest) -> ForkRecord:
        if request.message_id is not None:
            check_cut("message_id", self._messages.read(owner, session_id, request.agent_id, request.message_id))
        send = partial(fork_session, self._database, owner, session_id, request, self._words.language)
        state_message_id = self._database.send(send)
        fork = self.read(owner, request.session_id)
        if fork is None:
            raise SessionNotFoundError(request.session_id)
        return ForkRecord(fork, state_message_id)

    def forks(self, owner: str, session_id: str) -> Sequence[ForkSummary]:
        return list_forks(self._database, owner, session_id)

    def delete(self, owner: str, session_id: str) -> None:
        """One that was sent before the session was last written is no longer what its client meant."""
        self._database.send(partial(delete_session, self._database, owner, session_id))

    def expire_leftovers(self, rewind_ttl_hours: float, batch_size: int = 500) -> Expiry:
        return expire_leftovers(self._database, rewind_ttl_hours, batch_size)

    def expire(self, older_than_days: float | None, batch_size: int = 500) -> Expiry:
        seconds = None if older_than_days is None else older_than_days * 86_400
        return Expiry(
            lambda left_out: self._find_due(seconds, batch_size, left_out),
            lambda keys, max_rows: self._delete_due(seconds, keys, max_rows),
            batch_size,
        )

    def _find_due(self, age_seconds: float | None, batch_size: int, left_out: Sequence[str]) -> Sequence[str]:
        # statement_timestamp() is stable, so that an index serves it; for the volatile clock_timestamp() none does.
        rows = self._database.fetch(
            """
            SELECT session_key::text
            FROM {sessions}
            WHERE updated_at <= coalesce(statement_timestamp() - make_interval(secs => %(age_seconds)s::float8),
                                         '-infinity')
              AND NOT {is_leased_v1}(lease_until)
              AND session_key <> ALL (%(left_out)s::uuid[])
            ORDER BY updated_at
            LIMIT %(batch_size)s
            """,
            {"age_seconds": age_seconds, "left_out": list(left_out), "batch_size": batch_size},
        ).rows
        return [row[0] for row in rows]

    def _delete_due(self, age_seconds: float | None, keys: Sequence[str], max_rows: int) -> Batch:
        rows = self._database.fetch(
            """
            SELECT sessions_deleted, rows_deleted
            FROM {expire_sessions_v2}(%(keys)s::uuid[], %(age_seconds)s::float8, %(max_rows)s)
            """,
            {"age_seconds": age_seconds, "keys": list(keys), "max_rows": max_rows},
        ).rows
        return Batch(*rows[0])


def _dump_filter(only: SessionFilter) -> dict[str, Any]:
    """Labels of these names and values; a title's has no name."""
    labels: list[tuple[str | None, str]] = list(only.metadata.items())
    if only.title is not None:
        labels.append((None, only.title))
    return {
        "include_empty": only.include_empty,
        "names": [name for name, _ in labels],
        "values": [value for _, value in labels],
    }


def _multi_agent(record: MultiAgentRecord | None) -> dict[str, str | None]:
    return {"multi_agent_id": record and record.multi_agent_id, "multi_agent_state": record and record.state}


def _with_offset(timestamp: str) -> str:
    """Without an offset it would be read in the server's own time zone."""
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
