from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import AlreadyExistsError
from session_store.identifiers import checked_new_session_id
from session_store.records import MultiAgentRecord, SessionPage, SessionRecord

from .cursors import NEWEST, dump_cursor, parse_cursor
from .deletion import delete_session
from .expiry import Batch, Expiry
from .free_session import explain_refusal, with_free_session, write_free

_COLUMNS: Statement = """
    s.session_id, s.session_type, {iso_timestamp_v1}(s.created_at), {iso_timestamp_v1}(s.updated_at),
    (SELECT coalesce(sum(a.message_count), 0)::bigint FROM {agents} a WHERE a.session_key = s.session_key), s.preview
"""


class PostgreSQLSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, session: SessionRecord, multi_agent: MultiAgentRecord | None = None) -> None:
        created, repeated = self._database.fetch(
            """
            WITH created AS (
                INSERT INTO {sessions} (owner, session_id, session_type, created_at, updated_at)
                VALUES (%(owner)s, %(session_id)s, %(session_type)s,
                        %(created_at)s::timestamptz, least(%(updated_at)s::timestamptz, clock_timestamp()))
                ON CONFLICT (owner, session_id) DO NOTHING
                RETURNING session_key
            ), orchestrated AS (
                INSERT INTO {multi_agents} (session_key, multi_agent_id, state)
                SELECT session_key, %(multi_agent_id)s, %(multi_agent_state)s::json
                FROM created
                WHERE %(multi_agent_id)s::text IS NOT NULL
            )
            SELECT 1 FROM created
            """,
            {
                "owner": owner,
                "session_id": checked_new_session_id("session_id", session.session_id),
                "session_type": session.session_type,
                "created_at": _with_offset(session.created_at),
                "updated_at": _with_offset(session.updated_at),
                **_multi_agent(multi_agent),
            },
        )
        if not created and not (repeated and self.read(owner, session.session_id) == session):
            raise AlreadyExistsError("session", session.session_id)

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
            + _COLUMNS
            + """
            FROM {sessions} s
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            """,
            {"owner": owner, "session_id": session_id},
        ).rows
        return SessionRecord(*rows[0]) if rows else None

    def list(self, owner: str, *, limit: int = 50, cursor: str | None = None) -> SessionPage:
        before, before_key = parse_cursor(owner, cursor) if cursor else NEWEST
        rows = self._database.fetch(
            """
            SELECT s.session_key::text,"""
            + _COLUMNS
            + """
            FROM {sessions} s
            WHERE s.owner = %(owner)s
              AND (s.updated_at, s.session_key) < (%(before)s::timestamptz, %(before_key)s::uuid)
            ORDER BY s.updated_at DESC, s.session_key DESC
            LIMIT %(limit)s
            """,
            {"owner": owner, "before": before, "before_key": before_key, "limit": limit + 1},
        ).rows
        page = [SessionRecord(*row[1:]) for row in rows[:limit]]
        more = len(rows) > limit and limit > 0
        return SessionPage(page, dump_cursor(owner, page[-1].updated_at, rows[limit - 1][0]) if more else None)

    def page(self, owner: str, *, limit: int, offset: int) -> Sequence[SessionRecord]:
        rows = self._database.fetch(
            "SELECT"
            + _COLUMNS
            + """
            FROM {sessions} s
            WHERE s.owner = %(owner)s
            ORDER BY s.updated_at DESC, s.session_key DESC
            LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"owner": owner, "limit": limit, "offset": offset},
        ).rows
        return [SessionRecord(*row) for row in rows]

    def count(self, owner: str) -> int:
        counted = self._database.fetch("SELECT count(*) FROM {sessions} WHERE owner = %(owner)s", {"owner": owner})
        return counted.rows[0][0]

    def delete(self, owner: str, session_id: str) -> None:
        """One that was sent before the session was last written is no longer what its client meant."""
        self._database.send(partial(delete_session, self._database, owner, session_id))

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


def _multi_agent(record: MultiAgentRecord | None) -> dict[str, str | None]:
    return {"multi_agent_id": record and record.multi_agent_id, "multi_agent_state": record and record.state}


def _with_offset(timestamp: str) -> str:
    """Without an offset it would be read in the server's own time zone."""
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
