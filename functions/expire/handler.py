"""On a schedule: deletes sessions without activity and old runs, in batches, and reports how many."""

import os
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from api.observability import Observability
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
observability = Observability(settings)


def handler(_event: Any, _context: Any) -> dict[str, int]:
    """`{"sessions": deleted, "runs": deleted}`; sessions only where SESSION_TTL_DAYS is set."""
    store, batch_size = open_store(settings.store), settings.expire_batch_size
    runs = store.runs.expire(settings.run_ttl_hours, batch_size)
    sessions = store.sessions.expire(settings.session_ttl_days, batch_size) if settings.session_ttl_days else 0
    observability.record(ExpiredRuns=(MetricUnit.Count, runs), ExpiredSessions=(MetricUnit.Count, sessions))
    observability.logger.info("expired", extra={"sessions": sessions, "runs": runs})
    return {"sessions": sessions, "runs": runs}
