"""On a schedule: deletes sessions without activity, what deletions of large ones have left, and what has run out."""

import os
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.expire import delete_expired
from api.observability import Observability
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
observability = Observability(settings)
RESERVE_MILLISECONDS = 30_000  # for one more batch and the report


def handler(_event: Any, context: LambdaContext) -> dict[str, int]:
    """`{"sessions": …, "runs": …, "values": …, "memories": …}`: how many were deleted. See `delete_expired`."""

    def is_time_left() -> bool:
        return context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS

    expired = delete_expired(open_store(settings.store), settings, is_time_left)
    observability.record(
        ExpiredRuns=(MetricUnit.Count, expired.deleted["runs"]),
        ExpiredSessions=(MetricUnit.Count, expired.deleted["sessions"]),
        PassedOver=(MetricUnit.Count, len(expired.passed_over)),
    )
    observability.logger.info("expired", extra=expired.deleted)
    return expired.deleted
