"""On a schedule: deletes sessions without activity, old runs, and values and memories past their time, in batches."""

import os
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.observability import Observability
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
observability = Observability(settings)
RESERVE_MILLISECONDS = 30_000  # for one more batch and the report


def handler(_event: Any, context: LambdaContext) -> dict[str, int]:
    """`{"sessions": deleted, "runs": deleted, "values": deleted, "memories": deleted}`.

    Sessions only where SESSION_TTL_DAYS is set, values and memories only where they were written with a time of theirs.

    What the time does not suffice for is left to the next call.
    """
    store, batch_size = open_store(settings.store), settings.expire_batch_size
    runs = in_time(store.runs.expire(settings.run_ttl_hours, batch_size), context)
    days = settings.session_ttl_days
    sessions = in_time(store.sessions.expire(days, batch_size), context) if days else 0
    values = in_time(store.values.expire(batch_size), context)
    memories = in_time(store.memories.expire(batch_size), context)
    observability.record(ExpiredRuns=(MetricUnit.Count, runs), ExpiredSessions=(MetricUnit.Count, sessions))
    deleted = {"sessions": sessions, "runs": runs, "values": values, "memories": memories}
    observability.logger.info("expired", extra=deleted)
    return deleted


def in_time(batches: Iterator[int], context: LambdaContext) -> int:
    total = 0
    for count in batches:
        total += count
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            break
    return total
