"""What a server that has the database itself offers beyond `store.Store`: pages by number, deletions, expiry. Public.

For the session backend's resources and the functions on a schedule: nothing of it passes the session backend to an
agent. `postgresql.PostgreSQLStore` has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

from .background_runs import BackgroundRuns
from .errors import ConfigurationError
from .records import (
    AgentRecord,
    FoundMemory,
    MemoryPage,
    MemoryQuery,
    MultiAgentRecord,
    NewMemory,
    RunPage,
    SessionRecord,
    ValueWrite,
)
from .run_events import RunEvents
from .store import Agents, Messages, MultiAgents, Runs, Sessions, Store
from .usage import Usage

ValuePage = Sequence[tuple[str, bytes]]


class Expiry(Protocol):
    """How many were deleted, batch by batch as it is taken.

    A statement deletes at most `batch_size` of them, and 5,000 rows: fewer once one has taken longer than the server
    lets it. passed_over: why, by key, of each that cannot be deleted; the others are deleted all the same.
    """

    @property
    def passed_over(self) -> Mapping[str, str]: ...

    def __iter__(self) -> Iterator[int]: ...


class ServerSessions(Sessions, Protocol):
    def create(self, owner: str, session: SessionRecord, multi_agent: MultiAgentRecord | None = None) -> None:
        """With its multi-agent, if there is one. Raises `AlreadyExistsError`."""
        ...

    def update(self, owner: str, session_id: str, session_type: str, multi_agent: MultiAgentRecord | None) -> None:
        """Raises `SessionNotFoundError`, `SessionBusyError`. No `multi_agent` leaves what is stored."""
        ...

    def page(self, owner: str, *, limit: int, offset: int, include_empty: bool = False) -> Sequence[SessionRecord]:
        """By newest activity; the further the offset, the longer it takes: `list` does not."""
        ...

    def count(self, owner: str, *, include_empty: bool = False) -> int: ...

    def expire_leftovers(self, rewind_ttl_hours: float, batch_size: int = 500) -> Expiry:
        """Delete what rewinds took out so long ago, and what has no message after a day, unless it was used since."""
        ...

    def expire(self, older_than_days: float | None, batch_size: int = 500) -> Expiry:
        """Delete sessions of all owners without activity for so long, and what deletions of large ones have left.

        A session that a run holds stays. None: only what deletions have left.
        """
        ...


class ServerAgents(Agents, Protocol):
    def list(self, owner: str, session_id: str, *, limit: int | None = None, offset: int = 0) -> Sequence[AgentRecord]:
        """Agents by id."""
        ...

    def count(self, owner: str, session_id: str) -> int | None:
        """None: there is no such session."""
        ...

    def delete(self, owner: str, session_id: str, agent_id: str) -> None:
        """The agent and its messages. Raises `SessionNotFoundError`, `AgentNotFoundError`, `SessionBusyError`."""
        ...


class ServerMessages(Messages, Protocol):
    def count(self, owner: str, session_id: str, agent_id: str) -> int:
        """Raises `AgentNotFoundError`."""
        ...

    def delete_last(self, owner: str, session_id: str, agent_id: str, message_id: int) -> None:
        """Ids stay dense, so only the last message can go, and the session's preview with the first.

        Raises `SessionNotFoundError`, `MessageNotFoundError`, `MessageOrderError`, `SessionBusyError`.
        """
        ...


class ServerMultiAgents(MultiAgents, Protocol):
    def newest(self, owner: str, session_id: str) -> str | None:
        """The state that was stored last, of any of the session's multi-agents."""
        ...


class ServerRuns(Runs, Protocol):
    def of_session(self, owner: str, session_id: str, *, limit: int = 50, cursor: str | None = None) -> RunPage:
        """The session's runs, newest first. Raises `SessionNotFoundError`, `CursorNotFoundError`."""
        ...

    def expire(self, older_than_hours: float, batch_size: int = 500) -> Expiry:
        """Delete runs of all owners that began so long ago and do not run."""
        ...


class ServerValues(Protocol):
    """The values of Strands' `Storage`."""

    def write(self, owner: str, value: ValueWrite) -> None:
        """Replaces a value whole, or deletes it. Raises `SessionBusyError` while a run holds the value's session."""
        ...

    def read(self, owner: str, key: str) -> bytes | None: ...

    def list(self, owner: str, prefix: str) -> Sequence[str]:
        """Keys, sorted."""
        ...

    def page(self, owner: str, prefix: str, *, after: str = "") -> ValuePage:
        """The next keys with their values; empty after the last one."""
        ...

    def expire(self, batch_size: int = 500) -> Iterator[int]:
        """Delete what is past its time, of all owners: how many rows, batch by batch as it is taken."""
        ...


class ServerMemories(Protocol):
    """Facts of an owner across sessions, in stores of a name each."""

    def add(self, owner: str, store_name: str, language: str, memories: Sequence[NewMemory]) -> Sequence[str]:
        """The ids; of memories whose source is known already, theirs."""
        ...

    def search(self, owner: str, store_name: str, query: MemoryQuery) -> Sequence[FoundMemory]:
        """The best first."""
        ...

    def list(
        self, owner: str, *, store_name: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> MemoryPage:
        """Newest first; of all stores, unless one is named. Raises `CursorNotFoundError`."""
        ...

    def delete(self, owner: str, memory_id: str) -> None:
        """Raises `MemoryNotFoundError`."""
        ...

    def delete_all(self, owner: str, *, store_name: str | None = None) -> int:
        """How many were deleted."""
        ...

    def expire(self, batch_size: int = 500) -> Iterator[int]:
        """Delete memories of all owners that are past their time: how many, batch by batch as it is taken."""
        ...


class ServerStore(Store, Protocol):
    @property
    def sessions(self) -> ServerSessions: ...

    @property
    def agents(self) -> ServerAgents: ...

    @property
    def messages(self) -> ServerMessages: ...

    @property
    def multi_agents(self) -> ServerMultiAgents: ...

    @property
    def runs(self) -> ServerRuns: ...

    @property
    def run_events(self) -> RunEvents: ...

    @property
    def usage(self) -> Usage: ...

    @property
    def background_runs(self) -> BackgroundRuns: ...

    @property
    def values(self) -> ServerValues: ...

    @property
    def memories(self) -> ServerMemories: ...


def require_server_store(store: Store) -> ServerStore:
    """Raises `ConfigurationError` for the session backend's client."""
    if not hasattr(store, "values"):
        raise ConfigurationError("storage and memories need the database itself: SESSION_BACKEND_URL=postgresql://…")
    return cast(ServerStore, store)
