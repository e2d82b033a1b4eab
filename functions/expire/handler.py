"""On a schedule: deletes sessions without activity, what deletions of large ones have left, and what has run out."""

import os
from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.observability import Observability
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
observability = Observability(settings)
USAGE_DAYS = 92  # what GET /usage reports, and a little more
RESERVE_MILLISECONDS = 30_000  # for one more batch and the report


def handler(_event: Any, context: LambdaContext) -> dict[str, int]:
    """`{"sessions": …, "runs": …, "values": …, "memories": …}`: how many were deleted.

    Sessions without activity only where SESSION_TTL_DAYS is set, what deletions of sessions have left always; values
    and memories that were written with a time of their own.

    What the time does not suffice for is left to the next call; what cannot be deleted is in the log and in a metric.
    """
    store, batch_size = open_store(settings.store), settings.expire_batch_size
    runs = store.runs.expire(settings.run_ttl_hours, batch_size)
    in_time(store.sessions.discard_leftovers(settings.rewind_ttl_hours, batch_size), context)
    sessions = store.sessions.expire(settings.session_ttl_days, batch_size)
    deleted = {
        "runs": in_time(runs, context),
        "sessions": in_time(sessions, context),
        "values": in_time(store.values.expire(batch_size), context),
        "memories": in_time(store.memories.expire(batch_size), context),
    }
    in_time(store.background_runs.expire(settings.run_ttl_hours, batch_size), context)
    in_time(store.usage.expire(USAGE_DAYS, batch_size), context)
    observability.record(
        ExpiredRuns=(MetricUnit.Count, deleted["runs"]),
        ExpiredSessions=(MetricUnit.Count, deleted["sessions"]),
        PassedOver=(MetricUnit.Count, len(sessions.passed_over) + len(runs.passed_over)),
    )
    observability.logger.info("expired", extra=deleted)
    return deleted


def in_time(batches: Iterable[int], context: LambdaContext) -> int:
    total = 0
    for count in batches:
        total += count
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            break
    return total
