"""Strands' `SessionRepository` on PostgreSQL, directly or through the session backend."""

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any, Unpack

from strands.session.session_repository import SessionRepository
from strands.types.session import Session, SessionAgent, SessionMessage

from ._offload import AsyncContext
from ._open import open_store
from .conversion import (
    agent_of,
    agent_record,
    message_of,
    message_record,
    messages_of,
    multi_agent_state,
    session_of,
    session_record,
)
from .encoding import encode, preview_of
from .identifiers import DEFAULT_OWNER, checked, checked_number
from .records import FindMessage, IfBusy, RunRecord, SessionPage, SessionRecord
from .run import DEFAULT_LEASE_SECONDS, Run
from .run_request import make_run_request
from .session_patch import SessionChanges, parse_session_patch
from .session_records import EVERY_SESSION, ForkRecord, ForkRequest, SessionFilter, SessionMatch
from .settings import StoreSettings
from .store import Store
from .strands_errors import as_session_exceptions
from .waiting import DEFAULT_WAIT_SECONDS

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentBase


class PostgreSQLSessionRepository(AsyncContext, SessionRepository):
    """Sessions of one owner, for Strands' `RepositorySessionManager` and, better, for `run`.

    base_url: `postgresql://…` or `http(s)://…`; default: the environment variable `SESSION_BACKEND_URL`.
    owner: whose sessions these are; another owner's do not exist here. One application alone may keep the default.
    storage_ttl_seconds: for `run.storage`, as for `PostgreSQLStorage`.

    Outside a run each call is durable on return, and refused with `SessionBusyError` while a run holds
    the session. Errors are `session_store.errors`, and Strands' `SessionException` as well.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        owner: str = DEFAULT_OWNER,
        store: Store | None = None,
        storage_ttl_seconds: Mapping[str, float] | None = None,
    ) -> None:
        if store is None:
            settings = StoreSettings.from_environment(os.environ)
            store = open_store(replace(settings, url=base_url) if base_url else settings)
        self._store = store
        self._owner = checked("owner", owner)
        self._storage_ttl_seconds = storage_ttl_seconds

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; a later call opens new ones. They are the process's for one URL, not this
        repository's alone.
        """
        self._store.close()

    @property
    def store(self) -> Store:
        """What it works on: records instead of Strands' objects, of any owner."""
        return self._store

    def run(
        self,
        session_id: str | None = None,
        agent_id: str = "default",
        *,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
        run_id: str | None = None,
        deadline: float = inf,
        from_message_id: int | FindMessage | None = None,
        if_busy: IfBusy = "reject",
        wait_seconds: float = DEFAULT_WAIT_SECONDS,
    ) -> Run:
        """One turn of one agent as a unit: leased, durable at its end, two round trips.

        `run_id` is new for each run; without one it gets a UUID. `deadline` is the moment of `time.monotonic()` after
        which the database is no longer waited for, but for 2 s in which the run's end is written. With a
        `from_message_id` the turn goes on as if the history ended before that message of the agent: what follows is
        replaced in the commit, and kept as a fork for a while. It may be a function that finds the message in the
        `records.BegunRun` that the run restores, when nobody else can write any more.
        Entering it raises `SessionBusyError` while another run holds the session; with `if_busy="wait"` only after
        `wait_seconds` in which it was nobody's turn but others', and `"interrupt"` has that run cancelled. See `Run`.
        """
        request = make_run_request(
            session_id,
            agent_id,
            run_id=run_id,
            lease_seconds=lease_seconds,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
            if_busy=if_busy,
        )
        return Run(
            self._store,
            self._owner,
            request,
            deadline=deadline,
            from_message_id=from_message_id,
            wait_seconds=wait_seconds,
            storage_ttl_seconds=self._storage_ttl_seconds,
        )

    def read_run(self, run_id: str) -> RunRecord:
        with as_session_exceptions():
            return self._store.runs.read(self._owner, checked("run_id", run_id))

    def cancel_run(self, run_id: str) -> RunRecord:
        """Ask a run to end; it does so at its next write or renewal."""
        with as_session_exceptions():
            return self._store.runs.request_cancel(self._owner, checked("run_id", run_id))

    def list_sessions(
        self, *, limit: int = 50, cursor: str | None = None, only: SessionFilter = EVERY_SESSION
    ) -> SessionPage:
        """Sessions by newest activity."""
        with as_session_exceptions():
            start, count = checked("cursor", cursor) if cursor else None, checked_number("limit", limit)
            return self._store.sessions.list(self._owner, limit=count, cursor=start, only=only)

    def search_sessions(self, query: str, *, limit: int = 50) -> Sequence[SessionMatch]:
        """Sessions in which all the words are, best first: in titles, and where `SEARCH` is on in messages."""
        with as_session_exceptions():
            return self._store.sessions.search(self._owner, query, limit=checked_number("limit", limit))

    def update_session(self, session_id: str, **changes: Unpack[SessionChanges]) -> SessionRecord:
        """Change a session's title or its metadata; what is not named stays, and None takes away.

        metadata is a merge patch (RFC 7396): members that it names are set, those with None are removed.
        """
        with as_session_exceptions():
            patch = parse_session_patch(changes)
            return self._store.sessions.patch(self._owner, checked("session_id", session_id), patch)

    def fork_session(
        self,
        session_id: str,
        fork_id: str | None = None,
        *,
        message_id: int | None = None,
        agent_id: str = "default",
    ) -> ForkRecord:
        """A new session with this one's messages up to `message_id` of the agent, by default all of them."""
        with as_session_exceptions():
            new_id = checked("fork_id", uuid.uuid4().hex if fork_id is None else fork_id)
            number = None if message_id is None else checked_number("message_id", message_id)
            request = ForkRequest(new_id, checked("agent_id", agent_id), number)
            return self._store.sessions.fork(self._owner, checked("session_id", session_id), request)

    def delete_session(self, session_id: str) -> None:
        """Delete the session; a run that still holds it can no longer commit."""
        with as_session_exceptions():
            self._store.sessions.delete(self._owner, checked("session_id", session_id))

    def create_session(self, session: Session, **kwargs: Any) -> Session:
        with as_session_exceptions():
            self._store.sessions.create(self._owner, session_record(session))
            return session

    def read_session(self, session_id: str, **kwargs: Any) -> Session | None:
        with as_session_exceptions():
            record = self._store.sessions.read(self._owner, checked("session_id", session_id))
            return session_of(record) if record else None

    def create_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        with as_session_exceptions():
            record = agent_record(session_agent)
            self._store.agents.create(self._owner, checked("session_id", session_id), record)

    def read_agent(self, session_id: str, agent_id: str, **kwargs: Any) -> SessionAgent | None:
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("agent_id", agent_id)
            record = self._store.agents.read(self._owner, *ids)
            return agent_of(record) if record else None

    def update_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        with as_session_exceptions():
            record = agent_record(session_agent)
            self._store.agents.update(self._owner, checked("session_id", session_id), record)

    def create_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any) -> None:
        """Store the message, and correct its `message_id` where its session manager counted from 0 again."""
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("agent_id", agent_id)
            record = message_record(session_message)
            preview = preview_of(session_message.to_message()) if record.message_id == 0 else None
            session_message.message_id = self._store.messages.create(self._owner, *ids, record, preview)

    def read_message(self, session_id: str, agent_id: str, message_id: int, **kwargs: Any) -> SessionMessage | None:
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("agent_id", agent_id)
            record = self._store.messages.read(self._owner, *ids, checked_number("message_id", message_id))
            return message_of(record) if record else None

    def update_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any) -> None:
        """Replace a message, as Strands does to redact one: nothing of the original stays in any row.

        Its copies in the session's states go too, where they are the same content, or the same text of 20 characters
        or more; what was made of it (a summary, a tool's result) is not found.
        """
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("agent_id", agent_id)
            record = message_record(session_message)._replace(updated_at=datetime.now(UTC).isoformat())
            preview = preview_of(session_message.to_message()) if record.message_id == 0 else None
            self._store.messages.update(self._owner, *ids, record, preview)

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **kwargs: Any
    ) -> list[SessionMessage]:
        """Messages oldest first; `offset` is a message id, since ids are dense from 0."""
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("agent_id", agent_id)
            start, count = checked_number("offset", offset), None if limit is None else checked_number("limit", limit)
            records = self._store.messages.list(self._owner, *ids, from_message_id=start, limit=count)
            return messages_of(records)

    def create_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **kwargs: Any) -> None:
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("multi_agent_id", multi_agent.id)
            self._store.multi_agents.create(self._owner, *ids, encode("state", multi_agent.serialize_state()))

    def read_multi_agent(self, session_id: str, multi_agent_id: str, **kwargs: Any) -> dict[str, Any] | None:
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("multi_agent_id", multi_agent_id)
            state = self._store.multi_agents.read(self._owner, *ids)
            return None if state is None else multi_agent_state(multi_agent_id, state)

    def update_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **kwargs: Any) -> None:
        with as_session_exceptions():
            ids = checked("session_id", session_id), checked("multi_agent_id", multi_agent.id)
            self._store.multi_agents.update(self._owner, *ids, encode("state", multi_agent.serialize_state()))
