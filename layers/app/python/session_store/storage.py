"""Strands' `Storage` on PostgreSQL."""

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from strands.storage.in_memory_storage import InMemoryStorage
from strands.storage.search.keyword import KeywordSearchStrategy
from strands.storage.storage import _NAMESPACED, StorageSearchResult  # pyright: ignore[reportPrivateUsage]

from ._open import open_store
from .identifiers import DEFAULT_OWNER, checked
from .records import ValueWrite
from .server_store import require_server_store
from .settings import StoreSettings
from .storage_keys import checked_value, find_lifetime_seconds, parse_key, parse_prefix
from .store import Store
from .stored_values import DurableValues, StoredValues
from .strands_errors import as_storage_errors


class PostgreSQLStorage:
    """Bytes of one owner under string keys, for whatever Strands takes as `storage=`.

    base_url: `postgresql://…`; default: the environment variable `SESSION_BACKEND_URL`.
    owner: whose values these are; another owner's do not exist here.
    ttl_seconds: how long a value is kept after it was last written, by namespace: `{"context": 86_400}`. The longest
    namespace that a key is in decides, and `""` is in all of them; without one a value is kept for ever.

    A key has 1 to 1,024 bytes, a value at most 100 MB. Each call is one statement, durable on return. What belongs to a
    session (`session/<id>/`: its snapshots, `context/<id>/`: its offloaded context) is not written while a run holds
    the session, and is deleted with it. Inside a run `run.storage` is one of these. Errors are `session_store.errors`,
    and Strands' `StorageError` as well.

    >>> manager = SnapshotSessionManager("user-123", storage=PostgreSQLStorage("postgresql://localhost/sessions"))
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        owner: str = DEFAULT_OWNER,
        ttl_seconds: Mapping[str, float] | None = None,
        store: Store | None = None,
    ) -> None:
        if store is None:
            settings = StoreSettings.from_environment(os.environ)
            store = open_store(replace(settings, url=base_url) if base_url else settings)
        self._values: StoredValues = DurableValues(require_server_store(store).values, checked("owner", owner))
        self._prefix = ""
        self._ttl_seconds = {name.strip("/"): seconds for name, seconds in (ttl_seconds or {}).items()}

    @classmethod
    def of_run(cls, values: StoredValues, ttl_seconds: Mapping[str, float]) -> Self:
        storage = cls.__new__(cls)
        storage._values, storage._prefix, storage._ttl_seconds = values, "", dict(ttl_seconds)
        return storage

    async def write(self, key: str, data: bytes) -> None:
        with as_storage_errors():
            full_key = self._full_key(key)
            value = checked_value(full_key, data)
            await self._values.write(ValueWrite(full_key, value, find_lifetime_seconds(full_key, self._ttl_seconds)))

    async def read(self, key: str) -> bytes | None:
        with as_storage_errors():
            return await self._values.read(self._full_key(key))

    async def delete(self, key: str) -> None:
        """Nothing happens where there is no such value."""
        with as_storage_errors():
            await self._values.write(ValueWrite(self._full_key(key), None))

    async def list(self, query: str = "") -> list[str]:
        """The keys that begin with `query`, sorted; all of them for an empty one."""
        with as_storage_errors():
            keys = await self._values.list(self._prefix + parse_prefix(query))
        return [key.removeprefix(self._prefix) for key in keys]

    async def search(self, query: str) -> "list[StorageSearchResult]":
        """Values by how many words of the query they and their keys have, best first, as Strands' own backends do."""
        found: list[StorageSearchResult] = []
        with as_storage_errors():
            async for page in self._values.pages(self._prefix):
                scored = InMemoryStorage()
                for key, data in page:
                    await scored.write(key.removeprefix(self._prefix), data)
                found += await KeywordSearchStrategy().search(scored, query)
        return sorted(found, key=lambda result: result.score, reverse=True)

    def namespace(self, prefix: str) -> "PostgreSQLStorage":
        """The same values, seen from `prefix`. Raises `StorageError`."""
        with as_storage_errors():
            relative = parse_prefix(prefix).rstrip("/")
        view = copy.copy(self)
        view._prefix = f"{self._prefix}{relative}/" if relative else self._prefix
        view._namespaced = _NAMESPACED  # pyright: ignore[reportAttributeAccessIssue] - Strands looks for it
        return view

    def _full_key(self, key: str) -> str:
        return parse_key(self._prefix + parse_key(key))
