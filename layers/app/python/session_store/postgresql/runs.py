import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from session_store.database import Database
from session_store.errors import (
    AgentNotFoundError,
    IdempotencyKeyReusedError,
    LeaseLostError,
    MessageOrderError,
    RunInProgressError,
    RunNotFoundError,
    SessionBusyError,
    SessionStoreError,
)
from session_store.records import (
    AgentRecord,
    BegunRun,
    MessageRecord,
    RunRecord,
    RunRequest,
    RunWrite,
    SessionRecord,
)

from .run_write import LEASE_STATE, WRITE, parameters_of
from .sessions import iso


class PostgreSQLRuns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        rows = self._database.fetch(
            """
            SELECT part, number, body, extra, internal, created_at, updated_at
            FROM begin_run(%(owner)s, %(session_id)s, %(agent_id)s, %(run_id)s::uuid,
                           make_interval(secs => %(lease_seconds)s::float8), %(idempotency_key)s, %(request_hash)s)
            """,
            {
                "owner": owner,
                "session_id": request.session_id,
                "agent_id": request.agent_id,
                "run_id": request.run_id,
                "lease_seconds": request.lease_seconds,
                "idempotency_key": request.idempotency_key,
                "request_hash": request.request_hash,
            },
        ).rows
        decision, _, holder, seconds_left, *_ = rows[0]
        if decision == "leased":
            return _begun(request, rows)
        if decision == "stored":
            return self.read(owner, holder)
        raise _refused(decision, holder, seconds_left)

    def write(self, owner: str, write: RunWrite) -> bool:
        try:
            rows, repeated = self._database.fetch(WRITE, parameters_of(owner, write))
        except ForeignKeyViolation as error:
            raise self._misplacement(owner, write) from error
        except UniqueViolation as error:
            raise LeaseLostError(write.run_id, error.diag.message_primary or "") from error
        return rows[0][0] if rows else self._settled(owner, write, repeated=repeated)

    def renew(self, owner: str, session_id: str, run_id: str, lease_seconds: float) -> bool:
        rows = self._database.fetch(
            """
            WITH lease AS (
                UPDATE sessions
                SET lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
                WHERE owner = %(owner)s AND session_id = %(session_id)s
                  AND run_id = %(run_id)s::uuid AND lease_until > clock_timestamp()
                RETURNING run_id
            )
            SELECT r.cancel_requested FROM lease JOIN runs r USING (run_id)
            """,
            {"owner": owner, "session_id": session_id, "run_id": run_id, "lease_seconds": lease_seconds},
        ).rows
        if not rows:
            raise self._lease_lost(owner, session_id, run_id)
        return rows[0][0]

    def read(self, owner: str, run_id: str) -> RunRecord:
        rows = self._database.fetch(
            """
            SELECT r.run_id::text, s.session_id, r.agent_id,
                   CASE WHEN r.status = 'running'
                             AND (s.run_id = r.run_id AND s.lease_until > clock_timestamp()) IS NOT TRUE
                        THEN 'interrupted' ELSE r.status END,
                   r.started_at, r.finished_at, r.result::text, coalesce(m.redact_message, m.message)::text,
                   r.error_code, r.cancel_requested
            FROM runs r
            JOIN sessions s USING (session_key)
            LEFT JOIN messages m ON m.session_key = r.session_key AND m.agent_id = r.agent_id
                                AND m.message_id = r.answer_message_id
            WHERE r.owner = %(owner)s AND r.run_id = %(run_id)s::uuid
            """,
            {"owner": owner, "run_id": _checked_run_id(run_id)},
        ).rows
        if not rows:
            raise RunNotFoundError(run_id)
        run, session, agent, status, started_at, finished_at, *rest = rows[0]
        return RunRecord(run, session, agent, status, iso(started_at), finished_at and iso(finished_at), *rest)

    def request_cancel(self, owner: str, run_id: str) -> RunRecord:
        self._database.fetch(
            """
            UPDATE runs SET cancel_requested = true
            WHERE owner = %(owner)s AND run_id = %(run_id)s::uuid AND status = 'running'
            """,
            {"owner": owner, "run_id": _checked_run_id(run_id)},
        )
        return self.read(owner, run_id)

    def expire(self, older_than_hours: float, batch_size: int = 500) -> Iterator[int]:
        """Delete runs of all owners that began so long ago and do not run: how many, batch by batch as it is taken."""
        # statement_timestamp() is stable, so that an index serves it; for the volatile clock_timestamp() none does.
        while True:
            deleted = self._database.fetch(
                """
                DELETE FROM runs
                WHERE run_id = ANY (ARRAY(
                    SELECT r.run_id
                    FROM runs r JOIN sessions s USING (session_key)
                    WHERE r.started_at < statement_timestamp() - make_interval(secs => %(seconds)s::float8)
                      AND (s.run_id = r.run_id AND s.lease_until > clock_timestamp()) IS NOT TRUE
                    ORDER BY r.started_at
                    LIMIT %(batch_size)s
                ))
                RETURNING 1
                """,
                {"seconds": older_than_hours * 3_600, "batch_size": batch_size},
            ).rows
            yield len(deleted)
            if len(deleted) < batch_size:
                return

    def _settled(self, owner: str, write: RunWrite, *, repeated: bool) -> bool:
        """A commit whose answer was lost released the lease itself: the run's row tells."""
        if repeated and write.outcome:
            try:
                run = self.read(owner, write.run_id)
            except RunNotFoundError:
                raise LeaseLostError(write.run_id, "the session was deleted") from None
            if run.status == write.outcome.status:
                return False
        raise self._lease_lost(owner, write.session_id, write.run_id)

    def _misplacement(self, owner: str, write: RunWrite) -> SessionStoreError:
        """An agent that does not exist, or a message whose predecessor does not."""
        counts = dict(
            self._database.fetch(
                """
                SELECT a.agent_id, a.message_count
                FROM sessions s JOIN agents a USING (session_key)
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
        rows = self._database.fetch(LEASE_STATE, {"owner": owner, "session_id": session_id, "run_id": run_id}).rows
        return LeaseLostError(run_id, rows[0][0] if rows else "the session was deleted")


def _begun(request: RunRequest, rows: list[tuple[Any, ...]]) -> BegunRun:
    _, fence, session_type, preview, _, created_at, updated_at = rows[0]
    session = SessionRecord(request.session_id, session_type, _iso_text(created_at), _iso_text(updated_at), 0, preview)
    agent = None
    if len(rows) > 1:
        _, message_count, state, conversation_manager_state, internal_state, created_at, updated_at = rows[1]
        agent = AgentRecord(
            request.agent_id,
            *(state, conversation_manager_state, internal_state, created_at, updated_at),
            message_count=message_count,
        )
    messages = [MessageRecord(row[1], row[2], row[3], row[5], row[6]) for row in rows[2:]]
    return BegunRun(fence, session, agent, messages)


def _refused(decision: str, holder: str, seconds_left: str) -> SessionStoreError:
    if decision == "reused":
        return IdempotencyKeyReusedError()
    if decision == "in_progress":
        return RunInProgressError(holder, float(seconds_left))
    if decision == "lost":
        return LeaseLostError(holder, "its lease ran out before its begin was answered")
    return SessionBusyError(holder, float(seconds_left))


def _iso_text(moment: str) -> str:
    return iso(datetime.fromisoformat(moment))


def _checked_run_id(run_id: str) -> str:
    try:
        return str(uuid.UUID(run_id))
    except ValueError as error:
        raise RunNotFoundError(run_id) from error
