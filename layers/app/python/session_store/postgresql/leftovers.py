"""Sessions that nobody needs: without a message, since their first run failed, or taken out by a rewind."""

from collections.abc import Sequence
from typing import Any

from session_store._database import Database
from session_store.connection import Statement

from .expiry import Batch, Expiry

_EMPTY_SECONDS = 86_400
# What was used since stays: a session that has got a message, a removed history that somebody has gone on with.
_IS_DUE: Statement = """
    (s.removed_at < statement_timestamp() - make_interval(secs => %(rewind_seconds)s::float8)
     AND s.removed_at >= s.updated_at
     OR s.error_code IS NOT NULL
     AND s.updated_at < statement_timestamp() - make_interval(secs => %(empty_seconds)s::float8)
     AND s.owner <> ''
     AND coalesce((SELECT max(a.message_count) FROM {agents} a WHERE a.session_key = s.session_key), 0) = 0)
    AND NOT {is_leased_v1}(s.lease_until)
"""


def expire_leftovers(database: Database, rewind_ttl_hours: float, batch_size: int) -> Expiry:
    """Of a large one `PostgreSQLSessions.expire` deletes the rest, as after a deletion."""
    ages = {"rewind_seconds": rewind_ttl_hours * 3_600, "empty_seconds": _EMPTY_SECONDS}
    return Expiry(
        lambda left_out: _find(database, {**ages, "left_out": list(left_out), "batch_size": batch_size}),
        lambda keys, max_rows: _delete(database, {**ages, "keys": list(keys), "max_rows": max_rows}),
        batch_size,
    )


def _find(database: Database, parameters: dict[str, Any]) -> Sequence[str]:
    rows = database.fetch(
        "SELECT s.session_key::text FROM {sessions} s WHERE"
        + _IS_DUE
        + "AND s.session_key <> ALL (%(left_out)s::uuid[]) LIMIT %(batch_size)s",
        parameters,
    ).rows
    return [row[0] for row in rows]


def _delete(database: Database, parameters: dict[str, Any]) -> Batch:
    rows = database.fetch(
        """
        WITH due AS MATERIALIZED (
            SELECT s.session_key
            FROM {sessions} s
            WHERE s.session_key = ANY (%(keys)s::uuid[]) AND"""
        + _IS_DUE
        + """
            FOR UPDATE SKIP LOCKED
        )
        SELECT count(*) FILTER (WHERE swept.state = 'gone'), coalesce(sum(swept.rows_deleted), 0)::bigint
        FROM due,
             LATERAL {sweep_session_v2}(due.session_key, greatest(%(max_rows)s / cardinality(%(keys)s::uuid[]), 1))
                     AS swept
        """,
        parameters,
    ).rows
    return Batch(*rows[0])
