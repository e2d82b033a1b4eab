"""What is stored does not let the call go on: it is not there, or there is something else."""

from typing import ClassVar, Literal

from .root import SessionStoreError

BUSY_RETRY_SECONDS = 2.0


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
