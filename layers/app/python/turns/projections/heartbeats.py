"""Signs of life in a stream of server-sent events."""

import time
from collections.abc import Iterator

from turns.events import Event

# API Gateway ends a stream that is silent for 5 minutes, an edge-optimized one for 30 s; proxies between are stricter.
# Whether one is due is looked at after each of the engine's pauses, so that at most 12 s pass.
HEARTBEAT_SECONDS = 8.0
# One line, not an event: behind an empty line, some clients deliver an event without data.
HEARTBEAT = ": heartbeat\n"


def with_heartbeats(events: Iterator[Event | None], seconds: float) -> Iterator[Event | None]:
    """All events, and None once none came for `seconds`."""
    latest = time.monotonic()
    for event in events:
        if event is not None or time.monotonic() - latest >= seconds:
            yield event
            latest = time.monotonic()
