from collections.abc import Sequence

from psycopg.errors import ExclusionViolation, ForeignKeyViolation, UniqueViolation

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import (
    AgentNotFoundError,
    LeaseLostError,
    MessageOrderError,
    RunNotFoundError,
    SessionNotFoundError,
    SessionStoreError,
)
from session_store.identifiers import checked_new_session_id
from session_store.records import BegunRun, RunPage, RunRecord, RunRequest, RunWrite
from session_store.settings import NO_BUDGET, OwnerBudget

from .cursors import NEWEST, dump_cursor, parse_cursor
from .expiry import Batch, Expiry
from .message_words import MessageWords
from .run_begin import RunBegin
from .run_rows import STATUS, known_run_id
from .run_write import choose_write

_COLUMNS: Statement = (
    """
    r.run_id::text, s.session_id, r.agent_id,"""
    + STATUS
    + """,
    {iso_timestamp_v1}(r.started_at), {iso_timestamp_v1}(r.finished_at),
    r.result::text, coalesce(m.redact_message, m.message)::text, r.error_code, r.cancel_requested,
    r.trace::text
"""
)


_ANSWERS = (ExclusionViolation, ForeignKeyViolation, UniqueViolation)  # of both functions that write


class PostgreSQLRuns:
    watch_seconds = 0.4

    def __init__(self, database: Database, words: MessageWords, budget: OwnerBudget = NO_BUDGET) -> None:
        self._database, self._words = database, words
        self._begin = RunBegin(database, words, budget)

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        checked_new_session_id("session_id", request.session_id)
        begun = self._begin.begin(owner, request, self)
        if isinstance(begun, BegunRun):
            return begun
        if begun.name == "stored":
            return self.read(owner, begun.holder)
        raise begun.refusal

    def abandon(self, owner: str, run_id: str) -> None:
        self._begin.abandon(owner, run_id)

    def write(self, owner: str, write: RunWrite) -> bool:
        try:
            rows, repeated = self._database.fetch(*choose_write(owner, write, self._words), _ANSWERS)
        except ExclusionViolation:
            return self._find_written(owner, write, repeated=True)
        except ForeignKeyViolation as error:
            raise self._explain_rejection(owner, write) from error
        except UniqueViolation as error:
            raise LeaseLostError(write.run_id, error.diag.message_primary or "") from error
        if not rows or rows[0][0] is None:
            return self._find_written(owner, write, repeated=repeated)
        return rows[0][0]

    def renew(self, owner: str, session_id: str, run_id: str, lease_seconds: float) -> bool:
        rows = self._database.fetch(
            """
            WITH lease AS (
                UPDATE {sessions}
                SET lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
                WHERE owner = %(owner)s AND session_id = %(session_id)s
                  AND run_id = %(run_id)s::uuid AND {is_leased_v1}(lease_until)
                RETURNING run_id
            )
            SELECT r.cancel_requested FROM lease JOIN {runs} r USING (run_id)
            """,
            {"owner": owner, "session_id": session_id, "run_id": run_id, "lease_seconds": lease_seconds},
        ).rows
        if not rows:
            raise self._lease_lost(owner, session_id, run_id)
        return rows[0][0]

    def is_cancel_requested(self, owner: str, run_id: str) -> bool:
        is_requested = self._database.fetch(
            "SELECT {is_cancel_requested_v1}(%(owner)s, %(run_id)s)", {"owner": owner, "run_id": run_id}
        ).rows[0][0]
        if is_requested is None:
            raise RunNotFoundError(run_id)
        return is_requested

    def read(self, owner: str, run_id: str) -> RunRecord:
        rows = self._database.fetch(
            "SELECT"
            + _COLUMNS
            + """
            FROM {runs} r
            JOIN {sessions} s USING (session_key)
            LEFT JOIN {messages} m ON m.session_key = r.session_key AND m.agent_id = r.agent_id
                                  AND m.message_id = r.answer_message_id
            WHERE r.owner = %(owner)s AND r.run_id = %(run_id)s::uuid
            """,
            {"owner": owner, "run_id": known_run_id(run_id)},
        ).rows
        if not rows:
            raise RunNotFoundError(run_id)
        return RunRecord(*rows[0])

    def of_session(self, owner: str, session_id: str, *, limit: int = 50, cursor: str | None = None) -> RunPage:
        whose = f"{owner}\n{session_id}"
        before, before_id = parse_cursor(whose, cursor) if cursor else NEWEST
        rows = self._database.fetch(
            "SELECT r.run_id::text, s.session_id, r.agent_id,"
            + STATUS
            + """,
                   {iso_timestamp_v1}(r.started_at), {iso_timestamp_v1}(r.finished_at), r.error_code, r.cancel_requested
            FROM {sessions} s
            LEFT JOIN LATERAL (
                SELECT l.*
                FROM {runs} l
                WHERE l.session_key = s.session_key
                  AND (l.started_at, l.run_id) < (%(before)s::timestamptz, %(before_id)s::uuid)
                ORDER BY l.started_at DESC, l.run_id DESC
                LIMIT %(limit)s
            ) r ON true
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            ORDER BY r.started_at DESC, r.run_id DESC
            """,
            {"owner": owner, "session_id": session_id, "before": before, "before_id": before_id, "limit": limit + 1},
        ).rows
        if not rows:
            raise SessionNotFoundError(session_id)
        runs = [
            RunRecord(*row[:6], error_code=row[6], cancel_requested=row[7])
            for row in rows[:limit]
            if row[0] is not None
        ]
        more = len(rows) > limit
        return RunPage(runs, dump_cursor(whose, runs[-1].started_at, runs[-1].run_id) if more else None)

    def request_cancel(self, owner: str, run_id: str) -> RunRecord:
        self._database.fetch(
            """
            UPDATE {runs} SET cancel_requested = true
            WHERE owner = %(owner)s AND run_id = %(run_id)s::uuid AND status = 'running'
            """,
            {"owner": owner, "run_id": known_run_id(run_id)},
        )
        return self.read(owner, run_id)

    def expire(self, older_than_hours: float, batch_size: int = 500) -> Expiry:
        seconds = older_than_hours * 3_600
        return Expiry(
            lambda left_out: self._find_due(seconds, batch_size, left_out),
            lambda run_ids, max_rows: self._delete_due(seconds, run_ids, max_rows),
            batch_size,
        )

    def _find_due(self, age_seconds: float, batch_size: int, left_out: Sequence[str]) -> Sequence[str]:
        # statement_timestamp() is stable, so that an index serves it; for the volatile clock_timestamp() none does.
        rows = self._database.fetch(
            """
            SELECT r.run_id::text
            FROM {runs} r JOIN {sessions} s USING (session_key)
            WHERE r.started_at < statement_timestamp() - make_interval(secs => %(age_seconds)s::float8)
              AND (s.run_id = r.run_id AND {is_leased_v1}(s.lease_until)) IS NOT TRUE
              AND r.run_id <> ALL (%(left_out)s::uuid[])
            ORDER BY r.started_at
            LIMIT %(batch_size)s
            """,
            {"age_seconds": age_seconds, "left_out": list(left_out), "batch_size": batch_size},
        ).rows
        return [row[0] for row in rows]

    def _delete_due(self, age_seconds: float, run_ids: Sequence[str], max_rows: int) -> Batch:
        rows = self._database.fetch(
            """
            SELECT runs_deleted, rows_deleted
            FROM {expire_runs_v2}(%(run_ids)s::uuid[], %(age_seconds)s::float8, %(max_rows)s)
            """,
            {"age_seconds": age_seconds, "run_ids": list(run_ids), "max_rows": max_rows},
        ).rows
        return Batch(*rows[0])

    def _find_written(self, owner: str, write: RunWrite, *, repeated: bool) -> bool:
        """A write whose answer was lost may be stored, and a commit has released the lease itself: the run says so."""
        rows = self._database.fetch(
            """
            SELECT coalesce(last_write, 0), status, cancel_requested
            FROM {runs}
            WHERE owner = %(owner)s AND run_id = %(run_id)s::uuid
            """,
            {"owner": owner, "run_id": write.run_id},
        ).rows
        last_write, status, is_cancel_requested = rows[0] if rows else (0, None, False)
        if write.number is not None and write.number == last_write:
            return is_cancel_requested
        if write.number is None and repeated and write.outcome and write.outcome.status == status:
            return is_cancel_requested
        if write.number is not None and write.number < last_write:
            raise LeaseLostError(write.run_id, f"its write {write.number} came after its write {last_write}")
        raise self._lease_lost(owner, write.session_id, write.run_id)

    def _explain_rejection(self, owner: str, write: RunWrite) -> SessionStoreError:
        """An agent that does not exist, or a message whose predecessor does not."""
        counts = dict(
            self._database.fetch(
                """
                SELECT a.agent_id, a.message_count
                FROM {sessions} s JOIN {agents} a USING (session_key)
                WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
                """,
                {"owner": owner, "session_id": write.session_id},
            ).rows
        )
        counts |= {agent.agent_id: 0 for agent in write.created_agents if agent.agent_id not in counts}
        for agent_id in (*(agent.agent_id for agent in write.updated_agents), *write.message_counts):
            if agent_id not in counts:
                return AgentNotFoundError(agent_id)
        for agent_id, first_id in write.first_message_ids.items():
            if first_id > counts[agent_id]:
                return MessageOrderError(first_id, counts[agent_id])
        return self._lease_lost(owner, write.session_id, write.run_id)  # and the next run has filled the place since

    def _lease_lost(self, owner: str, session_id: str, run_id: str) -> LeaseLostError:
        rows = self._database.fetch(
            """
            SELECT CASE WHEN s.run_id = %(run_id)s::uuid THEN 'its lease ran out'
                        WHEN s.run_id IS NOT NULL THEN 'run ' || s.run_id || ' holds it now'
                        WHEN r.run_id IS NULL THEN 'the session was deleted'
                        ELSE 'it had ended as ' || r.status END
            FROM {sessions} s
            LEFT JOIN {runs} r ON r.run_id = %(run_id)s::uuid AND r.session_key = s.session_key
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            """,
            {"owner": owner, "session_id": session_id, "run_id": run_id},
        ).rows
        return LeaseLostError(run_id, rows[0][0] if rows else "the session was deleted")
