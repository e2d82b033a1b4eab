"""Runs as a store is asked for them."""

import uuid

from session_store.records import (
    AgentMessage,
    BegunRun,
    RunOutcome,
    RunRequest,
    RunWrite,
)
from session_store.store import Store
from tests.contract.records import message
from tests.contract.transport import Transport


def request(session_id: str = "s", lease_seconds: float = 60, **options: str) -> RunRequest:
    return RunRequest(session_id, "default", str(uuid.uuid4()), lease_seconds, **options)


def begin(store: Store, owner: str, asked: RunRequest) -> BegunRun:
    begun = store.runs.begin(owner, asked)
    assert isinstance(begun, BegunRun)
    return begun


def write(asked: RunRequest, *texts: str, start: int = 0, **members: object) -> RunWrite:
    messages = [AgentMessage("default", message(start + number, text)) for number, text in enumerate(texts)]
    written = RunWrite(asked.session_id, asked.run_id, asked.lease_seconds, messages=messages)
    return written._replace(**members)  # pyright: ignore[reportArgumentType]


def commit(asked: RunRequest, *texts: str, start: int = 0, **members: object) -> RunWrite:
    last = start + len(texts) - 1 if texts else None
    outcome = RunOutcome("completed", '{"stop_reason":"end_turn","n":1.0}', last)
    return write(asked, *texts, start=start, **{"outcome": outcome, **members})


def expire_lease(transport: Transport, asked: RunRequest) -> None:
    transport.rows(
        "UPDATE sessions SET lease_until = clock_timestamp() - interval '1 s' WHERE run_id = %s RETURNING 1",
        asked.run_id,
    )
