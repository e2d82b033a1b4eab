import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from session_store.database import Database
from session_store.errors import AlreadyExistsError, CursorNotFoundError, SessionNotFoundError
from session_store.records import SessionPage, SessionRecord

_NEWEST = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")


class PostgreSQLSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, session: SessionRecord) -> None:
        created, repeated = self._database.fetch(
            """
            INSERT INTO sessions (owner, session_id, session_type, created_at, updated_at)
            VALUES (%(owner)s, %(session_id)s, %(session_type)s,
                    %(created_at)s::timestamptz, %(updated_at)s::timestamptz)
            ON CONFLICT (owner, session_id) DO NOTHING
            RETURNING session_id
            """,
            {
                "owner": owner,
                "session_id": session.session_id,
                "session_type": session.session_type,
                "created_at": session.created_at,
                "updated_at": session.updated_at,
            },
        )
        if not created and not (repeated and self.read(owner, session.session_id) == session):
            raise AlreadyExistsError("session", session.session_id)

    def read(self, owner: str, session_id: str) -> SessionRecord | None:
        rows = self._database.fetch(
            """
            SELECT s.session_id, s.session_type, s.created_at, s.updated_at, s.preview,
                   (SELECT coalesce(sum(a.message_count), 0)::bigint FROM agents a WHERE a.session_key = s.session_key)
            FROM sessions s
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            """,
            {"owner": owner, "session_id": session_id},
        ).rows
        return _record(rows[0]) if rows else None

    def list(self, owner: str, *, limit: int = 50, cursor: str | None = None) -> SessionPage:
        before, before_key = _position(owner, cursor) if cursor else _NEWEST
        rows = self._database.fetch(
            """
            SELECT s.session_id, s.session_type, s.created_at, s.updated_at, s.preview,
                   (SELECT coalesce(sum(a.message_count), 0)::bigint FROM agents a WHERE a.session_key = s.session_key),
                   s.session_key::text
            FROM sessions s
            WHERE s.owner = %(owner)s
              AND (s.updated_at, s.session_key) < (%(before)s::timestamptz, %(before_key)s::uuid)
            ORDER BY s.updated_at DESC, s.session_key DESC
            LIMIT %(limit)s
            """,
            {"owner": owner, "before": before, "before_key": before_key, "limit": limit + 1},
        ).rows
        page = [_record(row) for row in rows[:limit]]
        more = len(rows) > limit and limit > 0
        return SessionPage(page, _cursor(owner, rows[limit - 1]) if more else None)

    def delete(self, owner: str, session_id: str) -> None:
        deleted, repeated = self._database.fetch(
            """
            DELETE FROM sessions WHERE owner = %(owner)s AND session_id = %(session_id)s RETURNING session_id
            """,
            {"owner": owner, "session_id": session_id},
        )
        if not deleted and not repeated:
            raise SessionNotFoundError(session_id)

    def expire(self, older_than_days: float, batch_size: int = 500) -> int:
        """Delete sessions of all owners without activity for so long, a batch a statement; how many.

        A session whose run is in flight stays.
        """
        total = 0
        while True:
            deleted = self._database.fetch(
                """
                DELETE FROM sessions
                WHERE session_key IN (
                    SELECT session_key
                    FROM sessions
                    WHERE updated_at < clock_timestamp() - make_interval(secs => %(seconds)s::float8)
                      AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                    ORDER BY updated_at
                    LIMIT %(batch_size)s
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING 1
                """,
                {"seconds": older_than_days * 86_400, "batch_size": batch_size},
            ).rows
            total += len(deleted)
            if len(deleted) < batch_size:
                return total


def _record(row: tuple[Any, ...]) -> SessionRecord:
    session_id, session_type, created_at, updated_at, preview, message_count = row[:6]
    return SessionRecord(session_id, session_type, iso(created_at), iso(updated_at), message_count, preview)


def iso(moment: datetime) -> str:
    """As Strands writes timestamps, whatever the server's time zone."""
    return moment.astimezone(UTC).isoformat()


def _cursor(owner: str, row: tuple[Any, ...]) -> str:
    position = [_mark(owner), iso(row[3]), row[6]]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _position(owner: str, cursor: str) -> tuple[str, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, before, before_key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        datetime.fromisoformat(before)
    except (binascii.Error, ValueError, TypeError) as error:
        raise CursorNotFoundError(cursor) from error
    if mark != _mark(owner):
        raise CursorNotFoundError(cursor)
    return before, before_key


def _mark(owner: str) -> str:
    return hashlib.sha256(owner.encode()).hexdigest()[:16]
