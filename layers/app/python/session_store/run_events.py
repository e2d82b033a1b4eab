"""The stored events of runs, as a server that has the database offers them. Public."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from .records import RunStatus


class EventBatch(NamedTuple):
    """`events` is the JSON text of an array, of those from `first_number` to `last_number`."""

    first_number: int
    last_number: int
    events: str


class RunProgress(NamedTuple):
    """How far a run has come: its status and what is stored behind the number that was asked for, read at once.

    last_number: of the last event that is stored at all, 0 for none; before is_complete, of the last that is here.
    is_complete: no more batches are stored by now.
    """

    session_id: str
    status: RunStatus | Literal["queued"]
    error_code: str | None
    last_number: int
    batches: Sequence[EventBatch]
    is_complete: bool


class ReadableRunEvents(Protocol):
    def read(self, owner: str, run_id: str, after: int) -> RunProgress:
        """Batches with events behind the number `after`. Raises `RunNotFoundError`."""
        ...


class RunEvents(ReadableRunEvents, Protocol):
    def append(self, owner: str, run_id: str, batch: EventBatch) -> bool:
        """Store a batch while the run holds its session; False: what comes before it was deleted.

        Storing it twice changes nothing. Raises `LeaseLostError`.
        """
        ...

    def delete(self, owner: str, run_id: str) -> None:
        """All of the run's stored events."""
        ...

    def find_run(
        self, owner: str, session_id: str | None, idempotency_key: str | None, request_hash: str
    ) -> str | None:
        """The run of a request that was sent before: by its key, else the session's newest one with that hash."""
        ...
