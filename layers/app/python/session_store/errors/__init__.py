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

from .input import (
    IdempotencyKeyReusedError,
    InvalidIdentifierError,
    InvalidInputError,
    TooLargeError,
    UnstorableValueError,
    WindowTooLargeError,
)
from .root import (
    AgentIdError,
    ConfigurationError,
    MigrationError,
    NotMigratedError,
    SessionStoreError,
    StoreUnavailableError,
)
from .runs import (
    AwaitingResponseError,
    InterruptAnsweredError,
    ModelFailedError,
    ModelThrottledError,
    RunCancelledError,
    RunDeadlineError,
    RunEndedError,
    RunError,
    ServiceStoppingError,
)
from .stored import (
    BUSY_RETRY_SECONDS,
    AgentNotFoundError,
    AlreadyExistsError,
    AttachmentNotFoundError,
    BudgetExhaustedError,
    ConflictError,
    CursorNotFoundError,
    DamagedRecordError,
    EventsGoneError,
    LeaseLostError,
    MemoryNotFoundError,
    MessageNotFoundError,
    MessageOrderError,
    MessageRedactedError,
    MultiAgentNotFoundError,
    NotFoundError,
    RunInProgressError,
    RunNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
)

__all__ = [
    "BUSY_RETRY_SECONDS",
    "AgentIdError",
    "AgentNotFoundError",
    "AlreadyExistsError",
    "AttachmentNotFoundError",
    "AwaitingResponseError",
    "BudgetExhaustedError",
    "ConfigurationError",
    "ConflictError",
    "CursorNotFoundError",
    "DamagedRecordError",
    "EventsGoneError",
    "IdempotencyKeyReusedError",
    "InterruptAnsweredError",
    "InvalidIdentifierError",
    "InvalidInputError",
    "LeaseLostError",
    "MemoryNotFoundError",
    "MessageNotFoundError",
    "MessageOrderError",
    "MessageRedactedError",
    "MigrationError",
    "ModelFailedError",
    "ModelThrottledError",
    "MultiAgentNotFoundError",
    "NotFoundError",
    "NotMigratedError",
    "RunCancelledError",
    "RunDeadlineError",
    "RunEndedError",
    "RunError",
    "RunInProgressError",
    "RunNotFoundError",
    "ServiceStoppingError",
    "SessionBusyError",
    "SessionNotFoundError",
    "SessionStoreError",
    "StoreUnavailableError",
    "TooLargeError",
    "UnstorableValueError",
    "WindowTooLargeError",
]
