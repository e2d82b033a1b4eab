"""Deletes what is past its time, on a schedule: `python -m api.expire`, and the function `expire`."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

from api.settings import Settings
from session_store.errors import ConfigurationError, SessionStoreError
from session_store.postgresql import PostgreSQLStore

USAGE_DAYS = 92  # what GET /usage reports, and a little more


class Expired(NamedTuple):
    """deleted: how many of each kind. passed_over: why, by key, of each that cannot be deleted."""

    deleted: dict[str, int]
    passed_over: dict[str, str]


def delete_expired(
    store: PostgreSQLStore, settings: Settings, is_time_left: Callable[[], bool] = lambda: True
) -> Expired:
    """Sessions without activity only where SESSION_TTL_DAYS is set, what deletions of sessions have left always.

    What the time does not suffice for is left to the next call.
    """

    def count(batches: Iterable[int]) -> int:
        total = 0
        for deleted in batches:
            total += deleted
            if not is_time_left():
                break
        return total

    batch_size = settings.expire_batch_size
    runs = store.runs.expire(settings.run_ttl_hours, batch_size)
    leftovers = store.sessions.expire_leftovers(settings.rewind_ttl_hours, batch_size)
    sessions = store.sessions.expire(settings.session_ttl_days, batch_size)
    deleted = {
        "runs": count(runs),
        "sessions": count(leftovers) + count(sessions),
        "values": count(store.values.expire(batch_size)),
        "memories": count(store.memories.expire(batch_size)),
    }
    count(store.background_runs.expire(settings.run_ttl_hours, batch_size))
    count(store.usage.expire(USAGE_DAYS, batch_size))
    return Expired(deleted, {**runs.passed_over, **leftovers.passed_over, **sessions.passed_over})


def main() -> None:
    """Prints how many were deleted; exits with 1 if something cannot be."""
    settings = Settings.from_environment(os.environ, behind_gateway=False)
    if not settings.store.is_postgresql:
        raise ConfigurationError("SESSION_BACKEND_URL must begin with postgresql:// for deletions on a schedule")
    store = PostgreSQLStore(settings.store)
    store.check_schema()
    expired = delete_expired(store, settings)
    sys.stdout.write(json.dumps(expired.deleted) + "\n")
    if expired.passed_over:
        sys.exit("\n".join(f"{key} cannot be deleted: {reason}" for key, reason in expired.passed_over.items()))


if __name__ == "__main__":
    try:
        main()
    except SessionStoreError as error:
        sys.exit(str(error))
