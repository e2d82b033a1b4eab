from session_store._database import Database
from session_store.errors import LeaseLostError, RunNotFoundError
from session_store.run_events import EventBatch, RunProgress

from .run_rows import known_run_id

_BATCHES_AT_ONCE = 32


class PostgreSQLRunEvents:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, owner: str, run_id: str, batch: EventBatch) -> bool:
        is_stored = self._database.fetch(
            "SELECT {append_run_events_v3}(%(owner)s, %(run_id)s, %(first_number)s, %(last_number)s, %(events)s)",
            {"owner": owner, "run_id": run_id, **batch._asdict()},
        ).rows[0][0]
        if is_stored is None:
            raise LeaseLostError(run_id, "its events come after its end")
        return is_stored

    def read(self, owner: str, run_id: str, after: int) -> RunProgress:
        found = self._database.fetch(
            "SELECT {read_run_events_v3}(%(owner)s, %(run_id)s, %(after)s, %(limit)s)",
            {"owner": owner, "run_id": known_run_id(run_id), "after": after, "limit": _BATCHES_AT_ONCE},
        ).rows[0][0]
        if found is None:
            raise RunNotFoundError(run_id)
        session_id, status, error_code, *dumped = found
        parsed = [_parse_batch(batch) for batch in dumped]
        last_number = parsed[-1].last_number if parsed else 0
        batches = [batch for batch in parsed if batch.events]
        return RunProgress(session_id, status, error_code, last_number, batches, len(parsed) < _BATCHES_AT_ONCE)

    def delete(self, owner: str, run_id: str) -> None:
        self._database.fetch(
            """
            DELETE FROM {run_events} e
            USING {runs} r
            WHERE r.owner = %(owner)s AND r.run_id = %(run_id)s::uuid AND e.run_id = r.run_id
            """,
            {"owner": owner, "run_id": run_id},
        )

    def find_run(
        self, owner: str, session_id: str | None, idempotency_key: str | None, request_hash: str
    ) -> str | None:
        if idempotency_key is not None:
            return self._find_by_key(owner, idempotency_key, request_hash)
        rows = self._database.fetch(
            """
            SELECT r.run_id::text
            FROM {sessions} s JOIN {runs} r USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND r.request_hash = %(request_hash)s
            ORDER BY r.started_at DESC
            LIMIT 1
            """,
            {"owner": owner, "session_id": session_id, "request_hash": request_hash},
        ).rows
        return rows[0][0] if rows else None

    def _find_by_key(self, owner: str, idempotency_key: str, request_hash: str) -> str | None:
        rows = self._database.fetch(
            """
            SELECT run_id::text
            FROM {runs}
            WHERE owner = %(owner)s AND idempotency_key = %(idempotency_key)s AND request_hash = %(request_hash)s
            """,
            {"owner": owner, "idempotency_key": idempotency_key, "request_hash": request_hash},
        ).rows
        return rows[0][0] if rows else None


def _parse_batch(dumped: str) -> EventBatch:
    """Without events, where none of them is news."""
    first_number, last_number, *events = dumped.split(" ", 2)
    return EventBatch(int(first_number), int(last_number), "".join(events))
