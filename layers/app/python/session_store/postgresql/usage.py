from collections.abc import Iterator, Sequence

from session_store._database import Database
from session_store.usage import DayUsage

from .expiry import delete_in_batches


class PostgreSQLUsage:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, owner: str, days: int) -> Sequence[DayUsage]:
        rows = self._database.fetch(
            """
            SELECT to_char(day, 'YYYY-MM-DD'), runs, input_tokens, output_tokens
            FROM {usage}
            WHERE owner = %(owner)s AND day > (statement_timestamp() AT TIME ZONE 'UTC')::date - %(days)s::int
            ORDER BY day DESC
            """,
            {"owner": owner, "days": days},
        ).rows
        return [DayUsage(*row) for row in rows]

    def expire(self, older_than_days: float, batch_size: int = 500) -> Iterator[int]:
        return delete_in_batches(
            self._database,
            """
            DELETE FROM {usage}
            WHERE (owner, day) IN (
                SELECT owner, day
                FROM {usage}
                WHERE day < (statement_timestamp() - make_interval(secs => %(seconds)s::float8))::date
                ORDER BY day
                LIMIT %(batch_size)s
            )
            RETURNING 1
            """,
            batch_size,
            seconds=older_than_days * 86_400,
        )
