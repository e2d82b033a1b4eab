"""The values that a run's agents read and write: what begin brought, and what the journal has gathered."""

from collections.abc import AsyncIterator, Callable, Sequence

from .errors import InvalidInputError
from .journal import Journal
from .records import BegunRun, ValueWrite
from .server_store import ValuePage
from .storage_keys import find_session_id
from .stored_values import DurableValues


class RunValues:
    """Writes become durable with the run's own: fenced by its lease, all or nothing. Reads see them at once.

    check_run: raises what ended the run.
    """

    def __init__(
        self, durable: DurableValues, agent_id: str, begun: BegunRun, journal: Journal, check_run: Callable[[], None]
    ) -> None:
        self._durable = durable
        self._session_id = begun.session.session_id
        scopes = f"session/{self._session_id}/scopes/"
        self._latest_key = f"{scopes}agent/{agent_id}/snapshots/snapshot_latest.json"
        self._multi_agents = f"{scopes}multiAgent/"
        self._snapshots = dict(begun.snapshots or {})
        self._knows_snapshots = begun.snapshots is not None
        self._journal = journal
        self._check_run = check_run

    async def write(self, value: ValueWrite) -> None:
        """Raises `InvalidInputError` for the key of another session, which this run does not hold."""
        self._check_run()
        if find_session_id(value.key) not in (None, self._session_id):
            raise InvalidInputError(value.key, f"belongs to another session than the run's, {self._session_id!r}")
        self._journal.put_value(value)
        if self._is_known(value.key):
            self._snapshots.pop(value.key, None)
            if value.data is not None:
                self._snapshots[value.key] = value.data

    async def read(self, key: str) -> bytes | None:
        self._check_run()
        if self._is_known(key):
            return self._snapshots.get(key)
        gathered = self._journal.values().get(key)
        return gathered.data if gathered else await self._durable.read(key)

    async def list(self, prefix: str) -> Sequence[str]:
        self._check_run()
        gathered = self._journal.values(prefix)
        stored = [key for key in await self._durable.list(prefix) if key not in gathered]
        return sorted([*stored, *(key for key, value in gathered.items() if value.data is not None)])

    async def pages(self, prefix: str) -> AsyncIterator[ValuePage]:
        self._check_run()
        gathered = self._journal.values(prefix)
        async for page in self._durable.pages(prefix):
            yield [(key, data) for key, data in page if key not in gathered]
        yield [(key, value.data) for key, value in gathered.items() if value.data is not None]

    def _is_known(self, key: str) -> bool:
        """The lease keeps as it is what begin brought, and what it found missing. It brings no large snapshots."""
        return self._knows_snapshots and (key == self._latest_key or key.startswith(self._multi_agents))
