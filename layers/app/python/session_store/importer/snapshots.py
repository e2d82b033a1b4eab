"""Between the two forms of a session in this store: rows, and snapshots. The one that it came from stays."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

from strands.types._snapshot import SNAPSHOT_SCHEMA_VERSION, Snapshot
from strands.types.exceptions import SnapshotException
from strands.types.session import SessionAgent, SessionMessage, decode_bytes_values, encode_bytes_values

from session_store.encoding import decode, encode
from session_store.errors import InvalidInputError, SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.records import ValueWrite
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.run_repository import RunRepository

from .report import Report, with_progress
from .source import DamagedError

_LATEST = "/snapshots/snapshot_latest.json"


class Conversion:
    """Each agent under a lease of its own, in one write. What is there already in the other form stays as it is."""

    def __init__(self, store: PostgreSQLStore, owner: str, report: Report, *, is_dry_run: bool) -> None:
        self._store, self._owner, self._report, self._is_dry_run = store, owner, report, is_dry_run
        self._repository = PostgreSQLSessionRepository(store=store, owner=owner)

    def to_snapshots(self) -> None:
        for session_id in with_progress(list(self._session_ids()), "sessions"):
            for agent in self._store.agents.list(self._owner, session_id):
                self._convert(f"session/{session_id}/scopes/agent/{agent.agent_id}{_LATEST}", to_snapshot=True)
            for state in self._store.multi_agents.list(self._owner, session_id):
                self._convert(
                    f"session/{session_id}/scopes/multiAgent/{state.multi_agent_id}{_LATEST}", to_snapshot=True
                )

    def from_snapshots(self) -> None:
        keys = [key for key in self._store.values.list(self._owner, "session/") if key.endswith(_LATEST)]
        for key in with_progress(keys, "snapshots"):
            self._convert(key, to_snapshot=False)

    def _session_ids(self) -> Iterator[str]:
        cursor = None
        while True:
            page = self._store.sessions.list(self._owner, limit=500, cursor=cursor)
            yield from (session.session_id for session in page.sessions)
            if (cursor := page.next_cursor) is None:
                return

    def _convert(self, key: str, *, to_snapshot: bool) -> None:
        try:
            _, session_id, _, scope, name = key.removesuffix(_LATEST).split("/")
            if self._is_here(key, session_id, scope, name, to_snapshot=to_snapshot):
                self._report.count("found already here")
                return
            if not self._is_dry_run:
                self._write(key, session_id, scope, name, to_snapshot=to_snapshot)
            self._report.count("converted agents" if scope == "agent" else "converted multi-agents")
        except (DamagedError, InvalidInputError, SessionBusyError) as error:
            self._report.refuse(key, error)
        except (ValueError, TypeError, KeyError, AttributeError, SnapshotException) as error:
            self._report.refuse(key, f"it is not as Strands writes one: {error}")

    def _is_here(self, key: str, session_id: str, scope: str, name: str, *, to_snapshot: bool) -> bool:
        if to_snapshot:
            return self._store.values.read(self._owner, key) is not None
        rows = self._store.agents if scope == "agent" else self._store.multi_agents
        return rows.read(self._owner, session_id, name) is not None

    def _write(self, key: str, session_id: str, scope: str, name: str, *, to_snapshot: bool) -> None:
        if scope == "agent":
            with self._repository.run(session_id, name) as run:
                (_write_snapshot if to_snapshot else self._write_rows)(run, key)
        elif to_snapshot:
            state = self._store.multi_agents.read(self._owner, session_id, name)
            data = {"orchestrator_id": name, "state": decode(state or "{}")}
            self._store.values.write(self._owner, ValueWrite(key, _dump("multiAgent", data)))
        else:
            state = encode("state", self._read(key).data["state"])
            self._store.multi_agents.create(self._owner, session_id, name, state)

    def _write_rows(self, run: Run, key: str) -> None:
        data, rows = self._read(key).data, _rows_of(run)
        # What the conversation manager removed is in no snapshot: the rows begin with what it still holds.
        manager_state = data.get("conversation_manager_state", {}) | {"removed_message_count": 0}
        internal = {name: data[name] for name in ("interrupt_state", "model_state") if name in data}
        rows.create_agent(
            run.session_id, SessionAgent(run.agent_id, data.get("state", {}), manager_state, _internal_state=internal)
        )
        for number, message in enumerate(data["messages"]):
            rows.create_message(run.session_id, run.agent_id, SessionMessage.from_message(message, number))

    def _read(self, key: str) -> Snapshot:
        snapshot = Snapshot.from_dict(decode_bytes_values(json.loads(self._store.values.read(self._owner, key) or b"")))
        snapshot.validate()
        return snapshot


def _write_snapshot(run: Run, key: str) -> None:
    """The agent as the next turn would restore it."""
    rows = _rows_of(run)
    agent = rows.read_agent(run.session_id, run.agent_id)
    if agent is None:
        raise DamagedError("it was deleted meanwhile")
    first = agent.conversation_manager_state.get("removed_message_count", 0)
    stored = rows.list_messages(run.session_id, run.agent_id, offset=first)
    data: dict[str, Any] = {
        "messages": [*rows.agent(run.agent_id).messages.before, *(message.to_message() for message in stored)],
        "state": agent.state,
        "conversation_manager_state": agent.conversation_manager_state,
        **agent._internal_state,  # pyright: ignore[reportPrivateUsage]
    }
    asyncio.run(run.storage.write(key, _dump("agent", data)))


def _dump(scope: Any, data: dict[str, Any]) -> bytes:
    snapshot = Snapshot(scope, SNAPSHOT_SCHEMA_VERSION, data, {})
    return json.dumps(encode_bytes_values(snapshot.to_dict()), ensure_ascii=False).encode()


def _rows_of(run: Run) -> RunRepository:
    return cast(RunRepository, run.session_manager.session_repository)
