"""Strands' `MemoryStore` on PostgreSQL."""

import hashlib
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from strands.memory.types import AddMessagesContext, MemoryEntry, MemoryStore, Metadata, SearchOptions
from strands.types.content import Message

from ._offload import offload
from ._open import open_store
from .encoding import decode, encode
from .errors import InvalidInputError
from .identifiers import DEFAULT_OWNER, checked, checked_number
from .records import MemoryQuery, MemoryRecord, NewMemory
from .server_store import require_server_store
from .settings import StoreSettings
from .store import Store

if TYPE_CHECKING:
    from strands.memory.extraction.types import ExtractionConfig

Embed = Callable[[str], Sequence[float] | Awaitable[Sequence[float]]]
MAXIMUM_CONTENT_CHARACTERS = 100_000
DEFAULT_RESULTS = 3
_DAY_SECONDS = 86_400


class MemorySearchOptions(SearchOptions, total=False):
    """metadata: members that a memory's metadata must have."""

    metadata: Mapping[str, Any]


class PostgreSQLMemoryStore(MemoryStore):
    """Facts of one owner, across sessions, for `MemoryManager(stores=[…])`.

    base_url: `postgresql://…`; default: the environment variable `SESSION_BACKEND_URL`.
    owner: whose memories these are; another owner's do not exist here. Deleting sessions deletes none of them.
    name: of this store among the owner's.
    language: PostgreSQL's text search configuration, `english`, `german`, …, `simple`.
    embed: a text's vector; with it, and the extension `vector` in the database, a search goes by words and by meaning.
    half_life_days: after so long a memory counts half as much as a new one, as good a match.
    ttl_days: how long a memory is kept after it was last added; None for ever.
    run_id: what makes `add_messages` idempotent by message, since Strands counts them anew in each run.

    The same content, or message of a run, is kept once. Errors are `session_store.errors`.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        owner: str = DEFAULT_OWNER,
        name: str = "memories",
        description: str | None = "What is known about this user from earlier conversations",
        max_search_results: int | None = None,
        writable: bool = True,
        extraction: "ExtractionConfig | bool | None" = None,
        language: str = "english",
        embed: Embed | None = None,
        half_life_days: float = 180,
        ttl_days: float | None = None,
        run_id: str | None = None,
        store: Store | None = None,
    ) -> None:
        if store is None:
            settings = StoreSettings.from_environment(os.environ)
            store = open_store(replace(settings, url=base_url) if base_url else settings)
        self._memories = require_server_store(store).memories
        self._owner = checked("owner", owner)
        self.name = checked("name", name)
        self.description, self.max_search_results = description, max_search_results
        self.writable, self.extraction = writable, extraction
        self._language, self._embed, self._run_id = checked("language", language), embed, run_id
        if half_life_days <= 0:
            raise InvalidInputError("half_life_days", "must be above 0")
        self._half_life_seconds = half_life_days * _DAY_SECONDS
        self._lifetime_seconds = None if ttl_days is None else ttl_days * _DAY_SECONDS

    async def search(self, query: str, options: SearchOptions | None = None) -> list[MemoryEntry]:
        """The best first, by words in common, newness and, with `embed`, meaning.

        Each entry's metadata has `memory_id`, `score` and `updated_at` besides its own.
        """
        asked = cast(MemorySearchOptions, options or {})
        limit = asked.get("max_search_results") or self.max_search_results or DEFAULT_RESULTS
        parameters = MemoryQuery(
            query,
            self._language,
            checked_number("max_search_results", limit),
            encode("metadata", dict(asked.get("metadata") or {})),
            self._half_life_seconds,
            await self._embedding(query),
        )
        found = await offload(self._memories.search, self._owner, self.name, parameters)
        return [_entry(memory, {"score": score}) for score, memory in found]

    async def add(self, content: str, metadata: Metadata | None = None) -> str:
        """Keep one fact; the id of the memory. Raises `InvalidInputError`."""
        (memory_id,) = await self._add([await self._new(content, metadata, _source(content))])
        return memory_id

    async def add_messages(self, messages: list[Message], context: AddMessagesContext | None = None) -> None:
        """Keep the words of messages as they are, with their `role` as metadata."""
        numbers = (context and context.sequence_numbers) or [None] * len(messages)
        memories: list[NewMemory] = []
        for number, message in zip(numbers, messages, strict=True):
            content = "\n".join(block["text"] for block in message["content"] if "text" in block).strip()
            if content:
                is_numbered = self._run_id is not None and number is not None
                source = f"run {self._run_id} message {number}" if is_numbered else _source(content)
                memories.append(await self._new(content, {"role": message["role"]}, source))
        if memories:
            await self._add(memories)

    async def delete(self, memory_id: str) -> None:
        """Raises `MemoryNotFoundError`."""
        await offload(self._memories.delete, self._owner, memory_id)

    async def delete_all(self) -> int:
        """Forget everything in this store; how many memories that were."""
        return await offload(self._memories.delete_all, self._owner, store_name=self.name)

    async def export(self) -> list[MemoryEntry]:
        """Everything in this store, the newest first."""
        entries: list[MemoryEntry] = []
        cursor = None
        while True:
            page = await offload(self._memories.list, self._owner, store_name=self.name, limit=1000, cursor=cursor)
            entries += [_entry(memory, {}) for memory in page.memories]
            if (cursor := page.next_cursor) is None:
                return entries

    async def _add(self, memories: Sequence[NewMemory]) -> Sequence[str]:
        return await offload(self._memories.add, self._owner, self.name, self._language, memories)

    async def _new(self, content: str, metadata: Metadata | None, source: str) -> NewMemory:
        if not content.strip() or len(content) > MAXIMUM_CONTENT_CHARACTERS:
            raise InvalidInputError("content", f"must have 1 to {MAXIMUM_CONTENT_CHARACTERS} characters")
        embedding = await self._embedding(content)
        return NewMemory(source, content, encode("metadata", metadata or {}), embedding, self._lifetime_seconds)

    async def _embedding(self, text: str) -> Sequence[float] | None:
        if self._embed is None:
            return None
        embedded = self._embed(text)
        return await embedded if inspect.isawaitable(embedded) else embedded


def _source(content: str) -> str:
    return "content " + hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()


def _entry(memory: MemoryRecord, found: dict[str, Any]) -> MemoryEntry:
    own = {"memory_id": memory.memory_id, "updated_at": memory.updated_at}
    return MemoryEntry(memory.content, memory.store_name, decode(memory.metadata) | own | found)
