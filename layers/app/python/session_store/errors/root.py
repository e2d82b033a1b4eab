"""The root of all errors, and what is wrong with the service rather than with a request."""

from typing import ClassVar


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


class StoreUnavailableError(SessionStoreError):
    """The database or the session backend is away.

    database_time: seconds since 1970, where the database refused the request as one that came too late by its clock.
    """

    code = "store_unavailable"

    def __init__(self, reason: str, retry_after_seconds: float = 5.0, database_time: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.database_time = database_time
