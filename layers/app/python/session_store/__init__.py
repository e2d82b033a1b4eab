"""Leased, persistent Strands agent sessions on PostgreSQL.

>>> repository = PostgreSQLSessionRepository("postgresql://localhost/sessions")
>>> with repository.run("user-123") as run:
...     agent = Agent(session_manager=run.session_manager)
...     agent("Hello")

Public besides what stands here are the modules that a service around the store needs: `store`, `server_store`,
`records`, `run_events`, `background_runs`, `usage`, `settings`, `migrate`, `importer`, `connection`, `postgresql`,
`http`; and for documents as the session backend has them `codec`, `document`, `raw_json`, `wire`, `encoding`,
`identifiers`, `interrupts`, `lease`, `message_text`, `time_limit`, `trace`. Every other module is internal, and may
change without notice.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._open import open_store
    from .errors import (
        AgentIdError,
        AgentNotFoundError,
        AlreadyExistsError,
        AttachmentNotFoundError,
        AwaitingResponseError,
        BudgetExhaustedError,
        ConfigurationError,
        ConflictError,
        CursorNotFoundError,
        DamagedRecordError,
        EventsGoneError,
        IdempotencyKeyReusedError,
        InterruptAnsweredError,
        InvalidIdentifierError,
        InvalidInputError,
        LeaseLostError,
        MemoryNotFoundError,
        MessageNotFoundError,
        MessageOrderError,
        MessageRedactedError,
        MigrationError,
        ModelFailedError,
        ModelThrottledError,
        MultiAgentNotFoundError,
        NotFoundError,
        NotMigratedError,
        RunCancelledError,
        RunDeadlineError,
        RunEndedError,
        RunError,
        RunInProgressError,
        RunNotFoundError,
        ServiceStoppingError,
        SessionBusyError,
        SessionNotFoundError,
        SessionStoreError,
        StoreUnavailableError,
        TooLargeError,
        UnstorableValueError,
        WindowTooLargeError,
    )
    from .memory import PostgreSQLMemoryStore
    from .repository import PostgreSQLSessionRepository
    from .run import Run
    from .settings import StoreSettings
    from .storage import PostgreSQLStorage

__all__ = [
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
    "PostgreSQLMemoryStore",
    "PostgreSQLSessionRepository",
    "PostgreSQLStorage",
    "Run",
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
    "StoreSettings",
    "StoreUnavailableError",
    "TooLargeError",
    "UnstorableValueError",
    "WindowTooLargeError",
    "open_store",
]


_MODULES = {
    "PostgreSQLMemoryStore": "memory",
    "PostgreSQLSessionRepository": "repository",
    "PostgreSQLStorage": "storage",
    "Run": "run",
    "StoreSettings": "settings",
    "open_store": "_open",
}


def __getattr__(name: str) -> Any:
    # Importing Strands costs most of a second: functions that only read sessions must not pay for it.
    if name in ("errors", "settings"):
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
