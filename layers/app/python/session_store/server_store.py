"""What a server that has the database itself offers beyond `store.Store`: pages by number, deletions, expiry. Public.

For the session backend's resources and the functions on a schedule: nothing of it passes the session backend to an
agent. `postgresql.PostgreSQLStore` has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from .records import AgentRecord, MultiAgentRecord, SessionRecord
from .store import Agents, Messages, MultiAgents, Runs, Sessions, Store


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

    def discard_leftovers(self, rewind_ttl_hours: float, batch_size: int = 500) -> Iterator[int]:
        """Give up, for `expire` to delete, what rewinds took out so long ago, and what has no message after a day.

        Unless it was used since. How many, batch by batch as it is taken.
        """
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
    def expire(self, older_than_hours: float, batch_size: int = 500) -> Expiry:
        """Delete runs of all owners that began so long ago and do not run."""
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
