from collections.abc import Iterator

from session_store._database import Database
from session_store.background_runs import BackgroundRun

from .expiry import delete_in_batches
from .run_rows import known_run_id


class PostgreSQLBackgroundRuns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, owner: str, run_id: str) -> BackgroundRun:
        rows = self._database.fetch(
            """
            INSERT INTO {background_runs} AS b (owner, run_id)
            VALUES (%(owner)s, %(run_id)s::uuid)
            ON CONFLICT (owner, run_id) DO UPDATE SET accepted_at = b.accepted_at
            RETURNING begun_run_id::text, problem::text
            """,
            {"owner": owner, "run_id": run_id},
        ).rows
        return BackgroundRun(*rows[0])

    def mark_begun(self, owner: str, run_id: str, begun_run_id: str) -> bool:
        rows = self._database.fetch(
            """
            UPDATE {background_runs}
            SET begun_run_id = %(begun_run_id)s::uuid
            WHERE owner = %(owner)s AND run_id = %(run_id)s::uuid
            RETURNING problem IS NOT NULL
            """,
            {"owner": owner, "run_id": run_id, "begun_run_id": begun_run_id},
        ).rows
        return rows[0][0]

    def refuse(self, owner: str, run_id: str, problem: str) -> None:
        self._database.fetch(
            """
            INSERT INTO {background_runs} (owner, run_id, problem)
            VALUES (%(owner)s, %(run_id)s::uuid, %(problem)s::json)
            ON CONFLICT (owner, run_id) DO UPDATE SET problem = EXCLUDED.problem
            """,
            {"owner": owner, "run_id": run_id, "problem": problem},
        )

    def read(self, owner: str, run_id: str) -> BackgroundRun | None:
        rows = self._database.fetch(
            """
            SELECT begun_run_id::text, problem::text
            FROM {background_runs}
            WHERE owner = %(owner)s AND run_id = %(run_id)s::uuid
            """,
            {"owner": owner, "run_id": known_run_id(run_id)},
        ).rows
        return BackgroundRun(*rows[0]) if rows else None

    def expire(self, older_than_hours: float, batch_size: int = 500) -> Iterator[int]:
        return delete_in_batches(
            self._database,
            """
            DELETE FROM {background_runs}
            WHERE (owner, run_id) IN (
                SELECT owner, run_id
                FROM {background_runs}
                WHERE accepted_at < statement_timestamp() - make_interval(secs => %(seconds)s::float8)
                ORDER BY accepted_at
                LIMIT %(batch_size)s
            )
            RETURNING 1
            """,
            batch_size,
            seconds=older_than_hours * 3_600,
        )
