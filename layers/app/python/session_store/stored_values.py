"""Where a `PostgreSQLStorage` keeps its values: in the database at once, or with a run."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from ._offload import offload
from .records import ValueWrite
from .server_store import ServerValues, ValuePage


class StoredValues(Protocol):
    async def write(self, value: ValueWrite) -> None: ...

    async def read(self, key: str) -> bytes | None: ...

    async def list(self, prefix: str) -> Sequence[str]: ...

    def pages(self, prefix: str) -> AsyncIterator[ValuePage]:
        """All keys under the prefix with their values, some at a time."""
        ...


class DurableValues:
    """An owner's values in the database; each call is one statement, durable on return."""

    def __init__(self, values: ServerValues, owner: str) -> None:
        self._values = values
        self._owner = owner

    async def write(self, value: ValueWrite) -> None:
        await offload(self._values.write, self._owner, value)

    async def read(self, key: str) -> bytes | None:
        return await offload(self._values.read, self._owner, key)

    async def list(self, prefix: str) -> Sequence[str]:
        return await offload(self._values.list, self._owner, prefix)

    async def pages(self, prefix: str) -> AsyncIterator[ValuePage]:
        page = await offload(self._values.page, self._owner, prefix)
        while page:
            yield page
            page = await offload(self._values.page, self._owner, prefix, after=page[-1][0])
