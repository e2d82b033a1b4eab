"""On a schedule: deletes sessions without activity and old runs, in batches, and reports how many."""

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
USAGE_DAYS = 92  # what GET /usage reports, and a little more
RESERVE_MILLISECONDS = 30_000  # for one more batch and the report


def handler(_event: Any, context: LambdaContext) -> dict[str, int]:
    """`{"sessions": deleted, "runs": deleted}`; sessions only where SESSION_TTL_DAYS is set.

    What the time does not suffice for is left to the next call.
    """
    store, batch_size = open_store(settings.store), settings.expire_batch_size
    runs = in_time(store.runs.expire(settings.run_ttl_hours, batch_size), context)
    in_time(store.background_runs.expire(settings.run_ttl_hours, batch_size), context)
    in_time(store.usage.expire(USAGE_DAYS, batch_size), context)
    days = settings.session_ttl_days
    sessions = in_time(store.sessions.expire(days, batch_size), context) if days else 0
    observability.record(ExpiredRuns=(MetricUnit.Count, runs), ExpiredSessions=(MetricUnit.Count, sessions))
    observability.logger.info("expired", extra={"sessions": sessions, "runs": runs})
    return {"sessions": sessions, "runs": runs}


def in_time(batches: Iterator[int], context: LambdaContext) -> int:
    total = 0
    for count in batches:
        total += count
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            break
    return total
