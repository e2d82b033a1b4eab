"""Everything that the session store raises, under one root.

SessionStoreError
├── ConfigurationError            a setting is missing or impossible
├── InvalidInputError             a value the store refuses; nothing was written
│   ├── InvalidIdentifierError    breaks the rule of `identifiers`
│   ├── UnstorableValueError      JSON cannot hold it (NaN, infinity, an object)
│   ├── TooLargeError             more than the session backend carries at once
│   └── IdempotencyKeyReusedError the key came with another request before
├── NotFoundError
│   ├── SessionNotFoundError
│   ├── AgentNotFoundError
│   ├── MessageNotFoundError
│   ├── MultiAgentNotFoundError
│   ├── CursorNotFoundError
│   └── RunNotFoundError
├── ConflictError
│   ├── AlreadyExistsError        that id is taken
│   ├── MessageOrderError         a message id that is not the next one
│   ├── SessionBusyError          another run holds the session
│   ├── RunInProgressError        the first request with this idempotency key still runs
│   └── LeaseLostError            the run may no longer write: its lease ran out or its session was deleted
├── RunError                      how a run can fail by itself
│   ├── AwaitingResponseError     the agent waits for a human's answer, or for another one than came
│   │   └── InterruptAnsweredError that answer was given before
│   ├── ModelFailedError          the model, not the store
│   ├── RunCancelledError         somebody asked for this run's end
│   ├── RunDeadlineError          out of time
│   └── RunEndedError             an agent was used after its run
└── StoreUnavailableError         the database is away; the same call may work later
"""

from collections.abc import Sequence
from typing import Literal


class SessionStoreError(Exception):
    """Root of the session store's errors."""


class ConfigurationError(SessionStoreError):
    """A setting is missing or impossible; the message names it."""


class InvalidInputError(SessionStoreError):
    """A value was refused before anything was written.

    field: the name of the argument or member that holds it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class InvalidIdentifierError(InvalidInputError):
    """An identifier breaks the one rule: 1 to 255 printable characters."""


class UnstorableValueError(InvalidInputError):
    """JSON cannot hold the value."""


class TooLargeError(InvalidInputError):
    """More than the session backend carries in one request or answer; PostgreSQL itself would take it."""

    def __init__(self, field: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(field, f"takes {size_bytes} bytes, and the session backend carries at most {limit_bytes}")


class IdempotencyKeyReusedError(InvalidInputError):
    """The idempotency key was used before with another request."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another request")


class NotFoundError(SessionStoreError):
    """What was asked for does not exist for this owner."""

    kind = "record"

    def __init__(self, identifier: str | int) -> None:
        super().__init__(f"{self.kind} {identifier!r} does not exist")
        self.identifier = identifier


class SessionNotFoundError(NotFoundError):
    kind = "session"


class AgentNotFoundError(NotFoundError):
    kind = "agent"


class MessageNotFoundError(NotFoundError):
    kind = "message"


class MultiAgentNotFoundError(NotFoundError):
    kind = "multi-agent"


class CursorNotFoundError(NotFoundError):
    kind = "cursor"


class RunNotFoundError(NotFoundError):
    kind = "run"


class ConflictError(SessionStoreError):
    """The stored state forbids the call; nothing was written."""


class AlreadyExistsError(ConflictError):
    """The id is taken."""

    def __init__(self, kind: str, identifier: str | int) -> None:
        super().__init__(f"{kind} {identifier!r} already exists")


class MessageOrderError(ConflictError):
    """Message ids are dense from 0: only the next one can be created, and only the last one deleted."""

    def __init__(self, message_id: int, expected_message_id: int, place: Literal["next", "last"] = "next") -> None:
        super().__init__(f"message_id {message_id} is not the {place} one, {expected_message_id}")


class SessionBusyError(ConflictError):
    """Another run holds the session.

    run_id: the holder. retry_after_seconds: when its lease runs out unless it is renewed.
    """

    def __init__(self, run_id: str, retry_after_seconds: float) -> None:
        super().__init__(f"run {run_id} holds the session for at least {retry_after_seconds:.1f} s more")
        self.run_id = run_id
        self.retry_after_seconds = retry_after_seconds


class RunInProgressError(ConflictError):
    """The first request with this idempotency key still runs, as run_id."""

    def __init__(self, run_id: str, retry_after_seconds: float) -> None:
        super().__init__(f"run {run_id} with this idempotency key is still in progress")
        self.run_id = run_id
        self.retry_after_seconds = retry_after_seconds


class LeaseLostError(ConflictError):
    """The run may no longer write; what it had not yet written is discarded."""

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(f"run {run_id} lost its session: {reason}")
        self.run_id = run_id


class RunError(SessionStoreError):
    """A run failed by itself; what it had not yet written is discarded."""


class AwaitingResponseError(RunError):
    """The prompt does not fit what the agent waits for.

    interrupt_ids: the interrupts that wait for an answer; empty when none does.
    """

    def __init__(self, reason: str, interrupt_ids: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.interrupt_ids = tuple(interrupt_ids)


class InterruptAnsweredError(AwaitingResponseError):
    """An answer was given before, and what it released is not started again.

    answered_ids: the interrupts that have their answer. interrupt_ids: those that still wait for one.
    """

    def __init__(self, answered_ids: Sequence[str], interrupt_ids: Sequence[str] = ()) -> None:
        super().__init__(f"the answer to {', '.join(answered_ids)} was already given", interrupt_ids)
        self.answered_ids = tuple(answered_ids)


class ModelFailedError(RunError):
    """The model failed; the cause is chained and is nothing for a caller's eyes."""


class RunCancelledError(RunError):
    """Somebody asked for the run's end."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was cancelled")
        self.run_id = run_id


class RunDeadlineError(RunError):
    """The run's time was over before its answer was complete."""

    def __init__(self, run_id: str, deadline_seconds: float) -> None:
        super().__init__(f"run {run_id} did not end within {deadline_seconds:g} s")
        self.run_id = run_id


class RunEndedError(RunError):
    """An agent was used after its run: nothing that it says could be stored."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} has ended; begin another one for the next turn")
        self.run_id = run_id


class StoreUnavailableError(SessionStoreError):
    """The database or the session backend is away."""

    def __init__(self, reason: str, retry_after_seconds: float = 5.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
