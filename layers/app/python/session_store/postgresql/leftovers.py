"""Sessions that nobody needs: without a message, since their first run failed, or taken out by a rewind."""

from collections.abc import Iterator

from session_store._database import Database

_EMPTY_SECONDS = 86_400


def discard_leftovers(database: Database, rewind_ttl_hours: float, batch_size: int) -> Iterator[int]:
    """Hide them, as delete_session_v2 hides a session, for `expire` to delete: how many, batch by batch as it is taken.

    What was used since stays: a session that has got a message, a removed history that somebody has gone on with.
    """
    while True:
        hidden = database.fetch(
            """
            WITH due AS (
                SELECT s.session_key
                FROM {sessions} s
                WHERE (s.removed_at < statement_timestamp() - make_interval(secs => %(rewind_seconds)s::float8)
                       AND s.removed_at >= s.updated_at
                       OR s.error_code IS NOT NULL
                       AND s.updated_at < statement_timestamp() - make_interval(secs => %(empty_seconds)s::float8)
                       AND s.owner <> ''
                       AND coalesce((SELECT max(a.message_count) FROM {agents} a
                                     WHERE a.session_key = s.session_key), 0) = 0)
                  AND NOT {is_leased_v1}(s.lease_until)
                LIMIT %(batch_size)s
                FOR UPDATE SKIP LOCKED
            ), unanswered AS (
                DELETE FROM {runs} r USING due WHERE r.session_key = due.session_key
            )
            UPDATE {sessions} s
            SET owner = '', session_id = s.session_key::text, updated_at = '-infinity', preview = '', title = NULL,
                metadata = NULL, error_code = NULL, removed_at = NULL, run_id = NULL, lease_until = NULL
            FROM due
            WHERE s.session_key = due.session_key
            RETURNING 1
            """,
            {
                "rewind_seconds": rewind_ttl_hours * 3_600,
                "empty_seconds": _EMPTY_SECONDS,
                "batch_size": batch_size,
            },
        ).rows
        yield len(hidden)
        if len(hidden) < batch_size:
            return
