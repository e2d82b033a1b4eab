"""The five collections over one connection."""

import time
from functools import cache

from session_store._database import Database
from session_store.settings import StoreSettings

from .agents import PostgreSQLAgents
from .message_words import MessageWords
from .messages import PostgreSQLMessages
from .multi_agents import PostgreSQLMultiAgents
from .runs import PostgreSQLRuns
from .sessions import PostgreSQLSessions


class PostgreSQLStore:
    """A `store.Store` on PostgreSQL, RDS Proxy or Aurora; it connects at the first call."""

    def __init__(self, settings: StoreSettings) -> None:
        self._database, words = Database(settings), MessageWords(settings)
        self.messages = PostgreSQLMessages(self._database, words)
        self.sessions = PostgreSQLSessions(self._database, self.messages, words)
        self.agents = PostgreSQLAgents(self._database)
        self.multi_agents = PostgreSQLMultiAgents(self._database)
        self.runs = PostgreSQLRuns(self._database, words)

    @property
    def round_trips(self) -> int:
        return self._database.round_trips

    def ping(self) -> float:
        started = time.perf_counter()
        self._database.fetch("SELECT 1", {})
        return (time.perf_counter() - started) * 1000

    def connect(self) -> None:
        """Connect now rather than at the first call. Raises `psycopg.Error` and `ConfigurationError`."""
        self._database.connect()

    def close(self) -> None:
        self._database.close()


@cache
def open_store(settings: StoreSettings) -> PostgreSQLStore:
    """The process's one store for these settings, so that its requests share a connection."""
    return PostgreSQLStore(settings)
