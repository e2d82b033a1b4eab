"""The five collections over one connection to the session backend."""

import time
from functools import cache

from session_store.settings import StoreSettings

from .agents import HttpAgents
from .backend import Backend
from .messages import HttpMessages
from .multi_agents import HttpMultiAgents
from .runs import HttpRuns
from .sessions import HttpSessions


class HttpStore:
    """A `store.Store` behind the session backend; it connects at the first call.

    An owner is a subspace of the caller whom the backend verifies; the default owner is that caller itself.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._backend = Backend(settings)
        self.sessions = HttpSessions(self._backend)
        self.agents = HttpAgents(self._backend)
        self.messages = HttpMessages(self._backend)
        self.multi_agents = HttpMultiAgents(self._backend)
        self.runs = HttpRuns(self._backend, self.messages)

    @property
    def round_trips(self) -> int:
        return self._backend.round_trips

    def ping(self) -> float:
        """The way to the session backend and back is part of it."""
        started = time.perf_counter()
        self._backend.ping()
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        self._backend.close()


@cache
def open_store(settings: StoreSettings) -> HttpStore:
    """The process's one store for these settings, so that its requests share a connection."""
    return HttpStore(settings)
