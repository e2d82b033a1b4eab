"""The tables of the other PostgreSQL stores for Strands."""

import json
from collections.abc import Iterable
from datetime import UTC
from typing import Any

import psycopg

from session_store.errors import ConfigurationError

from .source import DamagedError, Json, Source, SourceSession

Connection = psycopg.Connection[tuple[Any, ...]]


class RelationalSource:
    """strands-postgresql-session-manager: a table of each kind, bodies as jsonb."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_session_ids(self) -> Iterable[str]:
        return _column(self._connection, "SELECT session_id FROM sessions ORDER BY session_id")

    def read_session(self, session_id: str) -> SourceSession:
        (session,) = self._rows("SELECT session_id, session_type, created_at, updated_at FROM sessions", session_id)
        agents = self._rows(
            "SELECT agent_id, state, conversation_manager_state, _internal_state, created_at, updated_at FROM agents",
            session_id,
        )
        messages: dict[str, list[Json]] = {}
        for message in self._rows(
            "SELECT agent_id, message_id, message, redact_message, created_at, updated_at FROM messages",
            session_id,
            " ORDER BY message_id",
        ):
            messages.setdefault(message["agent_id"], []).append(message)
        multi_agents = self._rows("SELECT multi_agent_id, state FROM multi_agents", session_id)
        return SourceSession(
            session,
            {agent["agent_id"]: agent for agent in agents},
            messages,
            {multi_agent["multi_agent_id"]: multi_agent["state"] for multi_agent in multi_agents},
        )

    def list_keys(self) -> Iterable[str]:
        return []

    def read_value(self, key: str) -> bytes:
        raise DamagedError("there are no values")

    def _rows(self, select: Any, session_id: str, order: str = "") -> list[dict[str, Any]]:
        cursor = self._connection.execute(select + " WHERE session_id = %s" + order, (session_id,))
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


class KeyedSource:
    """strands-session-sql: one table, a document a row, found by `pk` and `sk`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_session_ids(self) -> Iterable[str]:
        keys = _column(self._connection, "SELECT pk FROM strands_sessions WHERE sk = 'META' ORDER BY pk")
        return [key.removeprefix("SESSION#") for key in keys]

    def read_session(self, session_id: str) -> SourceSession:
        own = f"SESSION#{session_id}"
        documents = self._documents(own)
        agents = {key.removeprefix("AGENT#"): value for key, value in documents.items() if key.startswith("AGENT#")}
        messages = {agent_id: list(self._documents(f"{own}#AGENT#{agent_id}").values()) for agent_id in agents}
        return SourceSession(documents["META"], agents, messages, {})

    def list_keys(self) -> Iterable[str]:
        return []

    def read_value(self, key: str) -> bytes:
        raise DamagedError("there are no values")

    def _documents(self, key: str) -> dict[str, Any]:
        rows = self._connection.execute("SELECT sk, data FROM strands_sessions WHERE pk = %s ORDER BY sk", (key,))
        try:
            return {name: json.loads(data) for name, data in rows}
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"a row of {key} is not JSON: {error}") from error


class ValueSource:
    """strands-postgres-storage: bytes under a key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_session_ids(self) -> Iterable[str]:
        return []

    def read_session(self, session_id: str) -> SourceSession:
        raise DamagedError("there are no sessions")

    def list_keys(self) -> Iterable[str]:
        return _column(self._connection, "SELECT key FROM strands_storage ORDER BY key")

    def read_value(self, key: str) -> bytes:
        rows = self._connection.execute("SELECT data FROM strands_storage WHERE key = %s", (key,)).fetchall()
        return bytes(rows[0][0])


_TABLES: dict[tuple[str, str], type[RelationalSource] | type[KeyedSource] | type[ValueSource]] = {
    ("agents", "_internal_state"): RelationalSource,
    ("strands_sessions", "sk"): KeyedSource,
    ("strands_storage", "key"): ValueSource,
}


def find_table_sources(connection: Connection) -> list[Source]:
    """Those whose tables the database has. Raises `ConfigurationError` if there is none."""
    rows = connection.execute(
        """
        SELECT table_name::text, column_name::text
        FROM information_schema.columns
        WHERE table_schema = ANY (current_schemas(false))
        """
    ).fetchall()
    known = set(rows)
    sources: list[Source] = [make(connection) for table, make in _TABLES.items() if table in known]
    if not sources:
        raise ConfigurationError("the source database has no tables of any store that the importer knows")
    return sources


def _column(connection: Connection, statement: Any) -> list[str]:
    return [value for (value,) in connection.execute(statement).fetchall()]


def _plain(value: Any) -> Any:
    """Their timestamps are UTC without saying so."""
    if not hasattr(value, "isoformat"):
        return value
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
