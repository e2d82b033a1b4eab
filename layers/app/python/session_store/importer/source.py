"""What the importer asks of a source, and how it says that something there is damaged."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

Json = Mapping[str, Any]


class DamagedError(Exception):
    """What cannot come, and why."""


class SourceSession(NamedTuple):
    """As Strands' repositories hold a session: their dictionaries, bytes still encoded.

    messages: by agent id, oldest first. multi_agents: by multi-agent id.
    """

    session: Json
    agents: Mapping[str, Json]
    messages: Mapping[str, list[Json]]
    multi_agents: Mapping[str, Json]


class Source(Protocol):
    def list_session_ids(self) -> Iterable[str]: ...

    def read_session(self, session_id: str) -> SourceSession:
        """Raises `DamagedError`."""
        ...

    def list_keys(self) -> Iterable[str]:
        """Of the values of a Strands `Storage`: snapshots, offloaded context, memories in files."""
        ...

    def read_value(self, key: str) -> bytes:
        """Raises `DamagedError`."""
        ...
