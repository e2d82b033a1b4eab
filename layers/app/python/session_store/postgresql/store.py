"""The collections over one connection, or as many as the settings say."""

import time
from functools import cache

from session_store import iam_token
from session_store._database import Database
from session_store.errors import ConfigurationError, NotMigratedError
from session_store.settings import StoreSettings

from .agents import PostgreSQLAgents
from .background_runs import PostgreSQLBackgroundRuns
from .imports import PostgreSQLImports
from .memories import PostgreSQLMemories
from .message_words import MessageWords
from .messages import PostgreSQLMessages
from .multi_agents import PostgreSQLMultiAgents
from .run_events import PostgreSQLRunEvents
from .runs import PostgreSQLRuns
from .sessions import PostgreSQLSessions
from .usage import PostgreSQLUsage
from .values import PostgreSQLValues


class PostgreSQLStore:
    """A `store.Store` on PostgreSQL, RDS Proxy or Aurora; it connects at the first call."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._database, words = Database(settings), MessageWords(settings)
        self.messages = PostgreSQLMessages(self._database, words)
        self.sessions = PostgreSQLSessions(self._database, self.messages, words)
        self.agents = PostgreSQLAgents(self._database)
        self.multi_agents = PostgreSQLMultiAgents(self._database)
        self.runs = PostgreSQLRuns(self._database, words, settings.budget)
        self.usage = PostgreSQLUsage(self._database)
        self.run_events = PostgreSQLRunEvents(self._database)
        self.background_runs = PostgreSQLBackgroundRuns(self._database)
        self.values = PostgreSQLValues(self._database)
        self.memories = PostgreSQLMemories(self._database)
        self.imports = PostgreSQLImports(self._database)

    @property
    def round_trips(self) -> int:
        return self._database.round_trips

    def ping(self) -> float:
        started = time.perf_counter()
        self._database.fetch("SELECT 1", {})
        return (time.perf_counter() - started) * 1000

    def prepare(self) -> None:
        """Import what a first connection would, without connecting: for a process that is kept as a snapshot."""
        if self._settings.iam_auth:
            iam_token.import_early()

    def connect(self) -> None:
        """Connect now rather than at the first call. Raises `psycopg.Error` and `ConfigurationError`."""
        self._database.connect()

    def check_schema(self) -> None:
        """Raises `NotMigratedError`, `StoreUnavailableError`."""
        from session_store.migration_names import migration_names  # importlib.resources is for servers alone

        try:
            rows = self._database.fetch("SELECT name FROM {schema_migrations}", {}).rows
        except ConfigurationError as error:
            raise NotMigratedError(str(error).splitlines()[0]) from error  # the rest quotes the statement
        if missing := sorted(set(migration_names()) - {name for (name,) in rows}):
            raise NotMigratedError(f"it lacks {', '.join(missing)}")

    def close(self) -> None:
        self._database.close()


@cache
def open_store(settings: StoreSettings) -> PostgreSQLStore:
    """The process's one store for these settings, so that its requests share a connection."""
    return PostgreSQLStore(settings)
