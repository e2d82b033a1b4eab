"""What every transport offers. The owner is part of every call: no call reaches another owner's rows.

Each write is one statement, durable on return. Outside a run a write is refused with `SessionBusyError` while a run
holds the session. `StoreUnavailableError` may come from every method.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from .records import (
    AgentRecord,
    BegunRun,
    MessagePage,
    MessageRecord,
    MultiAgentRecord,
    RunRecord,
    RunRequest,
    RunWrite,
    SessionPage,
    SessionRecord,
)
from .session_patch import SessionPatch
from .session_records import EVERY_SESSION, ForkRecord, ForkRequest, ForkSummary, SessionFilter, SessionMatch


class Sessions(Protocol):
    def create(self, owner: str, session: SessionRecord) -> None:
        """Raises `AlreadyExistsError`."""
        ...

    def read(self, owner: str, session_id: str) -> SessionRecord | None: ...

    def list(
        self, owner: str, *, limit: int = 50, cursor: str | None = None, only: SessionFilter = EVERY_SESSION
    ) -> SessionPage:
        """Newest activity first. Raises `CursorNotFoundError` for a cursor that this owner was not given."""
        ...

    def search(self, owner: str, query: str, *, limit: int = 50) -> Sequence[SessionMatch]:
        """Sessions in which all the words are, best first; `"…"`, `or` and `-` as search engines have them.

        Where messages are not searched, in their titles alone.
        """
        ...

    def patch(self, owner: str, session_id: str, patch: SessionPatch) -> SessionRecord:
        """Change its title and its metadata, whether a run holds it or not; its `updated_at` stays.

        Raises `SessionNotFoundError`, and `InvalidInputError` for metadata that becomes too large.
        """
        ...

    def fork(self, owner: str, session_id: str, request: ForkRequest) -> ForkRecord:
        """Copy the session up to a message, its agents as they were then as far as that was recorded.

        Raises `SessionNotFoundError`, `AgentNotFoundError`, `MessageNotFoundError`, `AlreadyExistsError`,
        `InvalidInputError` for a message that is a tool's call, and `SessionBusyError` where a run is about to add to
        what would be copied.
        """
        ...

    def forks(self, owner: str, session_id: str) -> Sequence[ForkSummary]:
        """Those of the session, newest first, at most 100. Raises `SessionNotFoundError`."""
        ...

    def delete(self, owner: str, session_id: str) -> None:
        """The session and its runs, at once for everybody; the rows of a large one are left to `ServerSessions.expire`.

        Raises `SessionNotFoundError`.
        """
        ...


class Agents(Protocol):
    def create(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        """Raises `SessionNotFoundError`, `AlreadyExistsError`, `SessionBusyError`."""
        ...

    def read(self, owner: str, session_id: str, agent_id: str) -> AgentRecord | None: ...

    def read_past(self, owner: str, session_id: str, agent_id: str, message_id: int) -> AgentRecord:
        """The agent as it was before that message of its own; with empty states where nothing was recorded by then.

        Raises `AgentNotFoundError`, `MessageNotFoundError`.
        """
        ...

    def list(self, owner: str, session_id: str) -> Sequence[AgentRecord]:
        """All of the session's agents, by id."""
        ...

    def update(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        """Keeps the stored `created_at`. Raises `AgentNotFoundError`, `SessionBusyError`."""
        ...


class Messages(Protocol):
    def create(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> int:
        """The id under which it is stored.

        That is `message.message_id`, unless a conversation manager that removed more than is stored made its session
        manager count from 0 again: then it is the next free one. Raises `AgentNotFoundError`, `AlreadyExistsError`,
        `MessageOrderError`, `SessionBusyError`.
        """
        ...

    def read(self, owner: str, session_id: str, agent_id: str, message_id: int) -> MessageRecord | None: ...

    def update(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> None:
        """Replaces both bodies and `updated_at`, and with a `preview` the session's.

        Raises `MessageNotFoundError`, `MessageRedactedError`, `SessionBusyError`.
        """
        ...

    def list(
        self,
        owner: str,
        session_id: str,
        agent_id: str,
        *,
        from_message_id: int = 0,
        limit: int | None = None,
        order: Literal["asc", "desc"] = "asc",
    ) -> Sequence[MessageRecord]:
        """Messages from `from_message_id` on upwards, or with `desc` from it on downwards.

        Raises `AgentNotFoundError`.
        """
        ...

    def page(
        self,
        owner: str,
        session_id: str,
        agent_id: str,
        *,
        from_message_id: int = 0,
        limit: int,
        order: Literal["asc", "desc"] = "asc",
    ) -> MessagePage:
        """As `list`, but no more than 5 MB together, so that it takes bounded memory: one message at least.

        Raises `AgentNotFoundError`.
        """
        ...


class MultiAgents(Protocol):
    def create(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        """Raises `SessionNotFoundError`, `AlreadyExistsError`, `SessionBusyError`."""
        ...

    def read(self, owner: str, session_id: str, multi_agent_id: str) -> str | None: ...

    def list(self, owner: str, session_id: str) -> Sequence[MultiAgentRecord]:
        """All of the session's multi-agents, by id."""
        ...

    def update(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        """Raises `MultiAgentNotFoundError`, `SessionBusyError`."""
        ...


class Runs(Protocol):
    """watch_seconds: how often it may be asked whether a run's end was requested."""

    watch_seconds: float

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        """Take the session's lease and read what the agent needs, in one round trip; creates a missing session.

        Where another run holds the session, `if_busy` decides: a run that waits is refused with its place in the queue,
        and keeps that while it asks again within 4 s. A `RunRecord` is the stored outcome of an earlier request with
        the same idempotency key. A begin that comes when its caller waits no more begins nothing. Raises
        `SessionBusyError`, `RunInProgressError`, `IdempotencyKeyReusedError`, `LeaseLostError`, `BudgetExhaustedError`.
        """
        ...

    def abandon(self, owner: str, run_id: str) -> None:
        """Free what the run holds, whether or not it has begun; a begin of it that is on its way begins nothing."""
        ...

    def write(self, owner: str, write: RunWrite) -> bool:
        """Store what was gathered and renew the lease, or with an outcome release it; True: cancellation was asked for.

        All or nothing. Raises `LeaseLostError`, `AgentNotFoundError`, `MessageOrderError`.
        """
        ...

    def renew(self, owner: str, session_id: str, run_id: str, lease_seconds: float) -> bool:
        """Renew the lease; True: cancellation was asked for. Raises `LeaseLostError`."""
        ...

    def is_cancel_requested(self, owner: str, run_id: str) -> bool:
        """Raises `RunNotFoundError`."""
        ...

    def read(self, owner: str, run_id: str) -> RunRecord:
        """Raises `RunNotFoundError`."""
        ...

    def request_cancel(self, owner: str, run_id: str) -> RunRecord:
        """Ask a running run to end: it sees this at its next write or renewal. Raises `RunNotFoundError`."""
        ...


class Store(Protocol):
    @property
    def sessions(self) -> Sessions: ...

    @property
    def agents(self) -> Agents: ...

    @property
    def messages(self) -> Messages: ...

    @property
    def multi_agents(self) -> MultiAgents: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def round_trips(self) -> int:
        """How many calls went over the wire so far."""
        ...

    def ping(self) -> float:
        """Milliseconds of one round trip to the database."""
        ...

    def close(self) -> None: ...
