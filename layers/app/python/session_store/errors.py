"""Everything that the session store raises, under one root. Public.

Each class carries the `code` that stands for it outside Python: in problem documents, in `runs.error_code`, and between
the session backend and its client. A class without a code of its own has its parent's.

SessionStoreError                 session_store_error
├── ConfigurationError            misconfigured: a setting is missing or impossible
│   ├── AgentIdError              misconfigured: build_agent and its sessions disagree on the agent's id
│   ├── NotMigratedError          not_migrated: the database lacks this version's schema
│   └── MigrationError            migration_failed: the schema cannot be brought up to date
├── InvalidInputError             invalid_request: a value the store refuses; nothing was written
│   ├── InvalidIdentifierError    invalid_request: breaks the rule of `identifiers`
│   ├── UnstorableValueError      unstorable_value: JSON cannot hold it (NaN, infinity, an object)
│   ├── TooLargeError             payload_too_large: more than the session backend carries at once
│   │   └── WindowTooLargeError   payload_too_large: more than an agent can restore
│   └── IdempotencyKeyReusedError idempotency_key_reused: the key came with another request before
├── NotFoundError                 not_found
│   ├── SessionNotFoundError      session_not_found
│   ├── AgentNotFoundError        agent_not_found
│   ├── MessageNotFoundError      message_not_found
│   ├── MultiAgentNotFoundError   multi_agent_not_found
│   ├── AttachmentNotFoundError   attachment_not_found
│   ├── MemoryNotFoundError       memory_not_found
│   ├── CursorNotFoundError       cursor_not_found
│   ├── RunNotFoundError          run_not_found
│   └── EventsGoneError           events_gone: what the run's stream said is not, or no longer, stored
├── ConflictError                 conflict
│   ├── AlreadyExistsError        already_exists: that id is taken
│   ├── MessageOrderError         message_order: a message id that is not the next one
│   ├── MessageRedactedError      message_redacted: what was taken back does not come back
│   ├── SessionBusyError          session_busy: another run holds the session
│   ├── BudgetExhaustedError      budget_exhausted: the owner has begun, or spent, as much as the owner may
│   ├── RunInProgressError        run_in_progress: the first request with this idempotency key still runs
│   ├── LeaseLostError            lease_lost: the run may no longer write
│   └── DamagedRecordError        damaged_record: what is stored is nothing that an agent can be restored from
├── RunError                      run_failed: how a run can fail by itself
│   ├── AwaitingResponseError     awaiting_response: the agent waits for a human's answer, or for another one than came
│   │   └── InterruptAnsweredError awaiting_response: that answer was given before
│   ├── ModelFailedError          model_failed: the model, not the store
│   │   └── ModelThrottledError   model_throttled: its service refuses more for now
│   ├── RunCancelledError         run_cancelled: the run's end was requested
│   ├── RunDeadlineError          run_deadline: out of time
│   ├── ServiceStoppingError      service_stopping: the run's process is being ended
│   └── RunEndedError             run_ended: an agent was used after its run
└── StoreUnavailableError         store_unavailable: the database is away; the same call may work later
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

BUSY_RETRY_SECONDS = 2.0


class SessionStoreError(Exception):
    """Root of the session store's errors."""

    code: ClassVar[str] = "session_store_error"


class ConfigurationError(SessionStoreError):
    """A setting is missing or impossible; the message names it."""

    code = "misconfigured"


class AgentIdError(ConfigurationError):
    """The agent that was built is not the one that its sessions keep.

    built_id: of the agent that was built.
    """

    def __init__(self, built: str, kept: str) -> None:
        self.built_id = built
        super().__init__(
            f"build_agent made an agent with agent_id={built!r}, but its sessions keep {kept!r}: build it with"
            f" agent_id=turn.agent_id, or set AGENT_ID={built}."
        )


class NotMigratedError(ConfigurationError):
    """The database lacks what this version's migrations make; the message names the remedy."""

    code = "not_migrated"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database is not migrated ({reason}): run python -m session_store.migrate postgresql://…")


class MigrationError(ConfigurationError):
    """The schema cannot be brought up to date; the message says what stands in the way. Nothing was changed."""

    code = "migration_failed"


class InvalidInputError(SessionStoreError, ValueError):
    """A value was refused before anything was written.

    field: the name of the argument or member that holds it.
    """

    code = "invalid_request"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class InvalidIdentifierError(InvalidInputError):
    """An identifier breaks the one rule: 1 to 255 printable characters."""


class UnstorableValueError(InvalidInputError):
    """JSON cannot hold the value."""

    code = "unstorable_value"


class TooLargeError(InvalidInputError):
    """More than the session backend carries in one request or answer; PostgreSQL itself would take it."""

    code = "payload_too_large"

    def __init__(self, field: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(field, f"takes {size_bytes} bytes, and the session backend carries at most {limit_bytes}")


class WindowTooLargeError(TooLargeError):
    """An agent would restore more than a process has memory for, or a model takes. The run has not begun."""

    def __init__(self, message_id: int, size_bytes: int, limit_bytes: int) -> None:
        reason = (
            f"has {size_bytes} bytes, and with it the agent would restore more than {limit_bytes}:"
            " replace it by a shorter one, or let a conversation manager hold fewer"
        )
        InvalidInputError.__init__(self, f"message {message_id}", reason)


class IdempotencyKeyReusedError(InvalidInputError):
    """The idempotency key was used before with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another request")


class NotFoundError(SessionStoreError):
    """What was asked for does not exist for this owner."""

    code = "not_found"
    kind: ClassVar[str] = "record"

    def __init__(self, identifier: str | int) -> None:
        super().__init__(f"{self.kind} {identifier!r} does not exist")
        self.identifier = identifier


class SessionNotFoundError(NotFoundError):
    code = "session_not_found"
    kind = "session"


class AgentNotFoundError(NotFoundError):
    code = "agent_not_found"
    kind = "agent"


class MessageNotFoundError(NotFoundError):
    code = "message_not_found"
    kind = "message"


class MultiAgentNotFoundError(NotFoundError):
    code = "multi_agent_not_found"
    kind = "multi-agent"


class AttachmentNotFoundError(NotFoundError):
    code = "attachment_not_found"
    kind = "attachment"


class MemoryNotFoundError(NotFoundError):
    code = "memory_not_found"
    kind = "memory"


class CursorNotFoundError(NotFoundError):
    code = "cursor_not_found"
    kind = "cursor"


class RunNotFoundError(NotFoundError):
    code = "run_not_found"
    kind = "run"


class EventsGoneError(NotFoundError):
    """What the run's stream said is not stored, or no longer; the history of its session has what was."""

    code = "events_gone"

    def __init__(self, run_id: str, session_id: str) -> None:
        super().__init__(run_id)
        self.run_id, self.session_id = run_id, session_id
        self.args = (f"the events of run {run_id!r} are gone",)


class ConflictError(SessionStoreError):
    """The stored state forbids the call; nothing was written."""

    code = "conflict"


class AlreadyExistsError(ConflictError):
    code = "already_exists"

    def __init__(self, kind: str, identifier: str | int) -> None:
        super().__init__(f"{kind} {identifier!r} already exists")


class MessageOrderError(ConflictError):
    """Message ids are dense from 0: only the next one can be created, and only the last one deleted."""

    code = "message_order"

    def __init__(self, message_id: int, expected_message_id: int, place: Literal["next", "last"] = "next") -> None:
        super().__init__(f"message_id {message_id} is not the {place} one, {expected_message_id}")


class MessageRedactedError(ConflictError):
    """A redacted message can be redacted again, and otherwise not be changed."""

    code = "message_redacted"

    def __init__(self, message_id: int) -> None:
        super().__init__(f"message {message_id} was redacted, and takes nothing but another redaction")


class SessionBusyError(ConflictError):
    """Another run, run_id, holds the session.

    retry_after_seconds: a short guess, for a lease may be renewed, and a run may end at any moment. position: how many
    are served before, the holder included; None where nobody counts.
    """

    code = "session_busy"

    def __init__(self, run_id: str, lease_seconds_left: float, position: int | None = None) -> None:
        super().__init__(f"run {run_id} holds the session")
        self.run_id, self.lease_seconds_left, self.position = run_id, lease_seconds_left, position
        self.retry_after_seconds = min(lease_seconds_left, BUSY_RETRY_SECONDS)


class BudgetExhaustedError(ConflictError):
    """The owner has begun as many runs in a minute, or used as many tokens on a day, as the owner may.

    runs_left, tokens_left: None where that is not limited. retry_after_seconds: when there is a budget again.
    """

    code = "budget_exhausted"

    def __init__(
        self, retry_after_seconds: float, runs_left: int | None = None, tokens_left: int | None = None
    ) -> None:
        left = {"runs this minute": runs_left, "tokens today": tokens_left}
        named = ", ".join(f"{max(0, number)} {what}" for what, number in left.items() if number is not None)
        super().__init__(f"the budget is exhausted: left are {named or 'none'}")
        self.retry_after_seconds = retry_after_seconds
        self.runs_left, self.tokens_left = runs_left, tokens_left


class RunInProgressError(ConflictError):
    """The first request with this idempotency key still runs, as run_id."""

    code = "run_in_progress"

    def __init__(self, run_id: str, lease_seconds_left: float) -> None:
        super().__init__(f"run {run_id} with this idempotency key is still in progress")
        self.run_id, self.lease_seconds_left = run_id, lease_seconds_left
        self.retry_after_seconds = min(lease_seconds_left, BUSY_RETRY_SECONDS)


class LeaseLostError(ConflictError):
    """The run may no longer write; what it had not yet written is discarded."""

    code = "lease_lost"

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(f"run {run_id} lost its session: {reason}")
        self.run_id = run_id


class DamagedRecordError(ConflictError):
    """A stored message, agent or multi-agent is nothing that Strands can go on with: replace it or delete it.

    kind, identifier: which one of the session's. reason: what is wrong with it, in words without its content.
    """

    code = "damaged_record"

    def __init__(self, kind: str, identifier: str | int, reason: str) -> None:
        super().__init__(f"{kind} {identifier!r} cannot be restored: it {reason}")
        self.kind = kind
        self.identifier = identifier
        self.reason = reason


class RunError(SessionStoreError):
    """A run failed by itself; what it had not yet written is discarded."""

    code = "run_failed"


class AwaitingResponseError(RunError):
    """The prompt does not fit what the agent waits for.

    interrupt_ids: the interrupts that wait for an answer; empty when none does.
    """

    code = "awaiting_response"

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

    code = "model_failed"


class ModelThrottledError(ModelFailedError):
    """The model's service refuses more for now."""

    code = "model_throttled"

    def __init__(self, reason: str, retry_after_seconds: float = 10.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class RunCancelledError(RunError):
    """Somebody asked for the run's end."""

    code = "run_cancelled"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was cancelled")
        self.run_id = run_id


class RunDeadlineError(RunError):
    """The run's time was over before its answer was complete."""

    code = "run_deadline"

    def __init__(self, run_id: str, deadline_seconds: float) -> None:
        super().__init__(f"run {run_id} did not end within {deadline_seconds:g} s")
        self.run_id = run_id


class ServiceStoppingError(RunError):
    """The process of the run is being ended, and the run's time was not over: the same request can be sent again."""

    code = "service_stopping"
    retry_after_seconds = 1.0

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was ended because its server stops; send the request again")
        self.run_id = run_id


class RunEndedError(RunError):
    """An agent was used after its run: nothing that it says could be stored."""

    code = "run_ended"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} has ended; begin another one for the next turn")
        self.run_id = run_id


class StoreUnavailableError(SessionStoreError):
    """The database or the session backend is away.

    database_time: seconds since 1970, where the database refused the request as one that came too late by its clock.
    """

    code = "store_unavailable"

    def __init__(self, reason: str, retry_after_seconds: float = 5.0, database_time: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.database_time = database_time
