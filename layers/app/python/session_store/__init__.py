"""Leased, persistent Strands agent sessions on PostgreSQL.

>>> repository = PostgreSQLSessionRepository("postgresql://localhost/sessions")
>>> with repository.run("user-123") as run:
...     agent = Agent(session_manager=run.session_manager)
...     agent("Hello")

Public besides what stands here are the modules that a service around the store needs: `store`, `server_store`,
`records`, `settings`, `migrate`, `connection`, `postgresql`, `http`; and for documents as the session backend has them
`codec`, `document`, `raw_json`, `wire`, `encoding`, `identifiers`, `interrupts`, `lease`, `message_text`,
`time_limit`. Every other module is internal, and may change without notice.
"""

from typing import TYPE_CHECKING, Any

from ._open import open_store
from .errors import (
    AgentIdError,
    AgentNotFoundError,
    AlreadyExistsError,
    AttachmentNotFoundError,
    AwaitingResponseError,
    ConfigurationError,
    ConflictError,
    CursorNotFoundError,
    DamagedRecordError,
    IdempotencyKeyReusedError,
    InterruptAnsweredError,
    InvalidIdentifierError,
    InvalidInputError,
    LeaseLostError,
    MessageNotFoundError,
    MessageOrderError,
    MessageRedactedError,
    MigrationError,
    ModelFailedError,
    ModelThrottledError,
    MultiAgentNotFoundError,
    NotFoundError,
    RunCancelledError,
    RunDeadlineError,
    RunEndedError,
    RunError,
    RunInProgressError,
    RunNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
    SessionStoreError,
    StoreUnavailableError,
    TooLargeError,
    UnstorableValueError,
    WindowTooLargeError,
)
from .settings import StoreSettings

if TYPE_CHECKING:
    from .repository import PostgreSQLSessionRepository
    from .run import Run

__all__ = [
    "AgentIdError",
    "AgentNotFoundError",
    "AlreadyExistsError",
    "AttachmentNotFoundError",
    "AwaitingResponseError",
    "ConfigurationError",
    "ConflictError",
    "CursorNotFoundError",
    "DamagedRecordError",
    "IdempotencyKeyReusedError",
    "InterruptAnsweredError",
    "InvalidIdentifierError",
    "InvalidInputError",
    "LeaseLostError",
    "MessageNotFoundError",
    "MessageOrderError",
    "MessageRedactedError",
    "MigrationError",
    "ModelFailedError",
    "ModelThrottledError",
    "MultiAgentNotFoundError",
    "NotFoundError",
    "PostgreSQLSessionRepository",
    "Run",
    "RunCancelledError",
    "RunDeadlineError",
    "RunEndedError",
    "RunError",
    "RunInProgressError",
    "RunNotFoundError",
    "SessionBusyError",
    "SessionNotFoundError",
    "SessionStoreError",
    "StoreSettings",
    "StoreUnavailableError",
    "TooLargeError",
    "UnstorableValueError",
    "WindowTooLargeError",
    "open_store",
]


def __getattr__(name: str) -> Any:
    # Importing Strands costs most of a second: functions that only read sessions must not pay for it.
    if name == "PostgreSQLSessionRepository":
        from .repository import PostgreSQLSessionRepository

        return PostgreSQLSessionRepository
    if name == "Run":
        from .run import Run

        return Run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
