"""A run: one turn of one agent on one session, leased from its begin to its commit."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from strands.types.content import Message

from ._offload import AsyncContext, offload
from .begun_flushes import BegunFlushes
from .encoding import encode
from .errors import (
    InvalidInputError,
    LeaseLostError,
    RunCancelledError,
    RunEndedError,
    SessionStoreError,
)
from .identifiers import checked_number
from .interrupts import check_answers
from .journal import Journal
from .records import BegunRun, FindMessage, Rewind, RunRecord, RunRequest
from .rewind import read_rewound
from .run_errors import find_cause
from .run_lease import RunLease
from .run_repository import RunRepository
from .run_session_manager import RunSessionManager
from .run_values import RunValues
from .run_writer import RunWriter
from .server_store import require_server_store
from .session_patch import checked_title
from .store import Store
from .stored_values import DurableValues
from .strands_errors import as_session_exceptions
from .telemetry import traced
from .time_limit import time_limit
from .trace import Trace
from .waiting import DEFAULT_WAIT_SECONDS, MINIMUM_TURN_SECONDS, begin_in_turn

if TYPE_CHECKING:
    from .memory import PostgreSQLMemoryStore
    from .storage import PostgreSQLStorage

DEFAULT_LEASE_SECONDS = 30.0


class Run(AsyncContext):
    """The unit of work. Made by `PostgreSQLSessionRepository.run`.

    >>> with repository.run("user-123") as run:
    ...     agent = Agent(session_manager=run.session_manager)
    ...     agent("Hello")

    Leaving the block commits; leaving it by an exception discards what was not yet written, and closes an open tool
    request so that the stored history stays valid. Nothing is held in the database while a model or a tool works, but
    for the moment in which a tool's results are stored beside the model's call.

    stored: the outcome of an earlier run with the same idempotency key; then there is no session manager, and nothing
    is to be done. interrupts: what the run's agent, and its Graphs and Swarms, wait for a human to answer, by interrupt
    id. answered_interrupts: the ids of those that were answered lately. trace: gathers what the run does, to be kept
    with it; the session manager adds the calls of its agent.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        request: RunRequest,
        *,
        deadline: float = inf,
        from_message_id: int | FindMessage | None = None,
        wait_seconds: float = DEFAULT_WAIT_SECONDS,
        storage_ttl_seconds: Mapping[str, float] | None = None,
    ) -> None:
        self.session_id, self.agent_id, self.run_id = request.session_id, request.agent_id, request.run_id
        self.stored: RunRecord | None = None
        self.begin_seconds = 0.0
        self._store = store
        self._owner = owner
        self._deadline = deadline
        self._request = request
        self._wait_seconds = wait_seconds
        self._journal = Journal(self.session_id, self.run_id, request.lease_seconds)
        if from_message_id is not None and not callable(from_message_id):
            checked_number("from_message_id", from_message_id)
        self._from_message_id = from_message_id
        self._rewind: Rewind | None = None
        self.trace = Trace()
        self._writer = RunWriter(store.runs, owner, self._journal, deadline, self.trace)
        self._keeper = RunLease(store.runs, owner, self._request, self._writer.time_limit)
        self._repository: RunRepository | None = None
        self._session_manager: RunSessionManager | None = None
        self._open_storage: Callable[[], PostgreSQLStorage] | None = None
        self._storage_ttl_seconds = storage_ttl_seconds or {}
        # Held while a write is on its way; agents on other threads, or nodes of a Graph, may flush at once.
        self._writing = threading.RLock()
        self._flushes = BegunFlushes(self.flush)
        self._reads = 0
        self._result: str | None = None
        self._closed = self._is_withdrawn = False

    def __enter__(self) -> Self:
        with as_session_exceptions():
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._repository is None:
            return
        cause = find_cause(error)
        if cause is not None:
            self._keeper.end_agents()  # one on another thread would go on, and call tools for nobody
        self._flushes.finish()
        self._keeper.stop()
        with as_session_exceptions(), self._writing:
            self._closed = True
            if cause is None and self._keeper.is_cancelled:
                cause = RunCancelledError(self.run_id)
            if cause is None:
                self._commit()
                return
            if self._is_withdrawn:
                self._writer.give_back()
            else:
                self._writer.abort(cause)
            if cause is not error:
                raise cause from error

    @property
    def session_manager(self) -> RunSessionManager:
        """For `Agent(session_manager=…)`; once for each agent of the run."""
        if self._session_manager is None:
            raise RuntimeError("the run has no session manager: it has not begun, or its answer is already stored")
        return self._session_manager

    @property
    def storage(self) -> "PostgreSQLStorage":
        """Strands' `Storage`, for this run: `SnapshotSessionManager(run.session_id, storage=run.storage)`.

        What is written to it becomes durable with the run's own writes, at the latest with its commit; nothing of it if
        the run fails or lost its lease. Raises `ConfigurationError` over the session backend.
        """
        if self._open_storage is None:
            raise RuntimeError("the run has no storage: it has not begun, or its answer is already stored")
        return self._open_storage()

    def open_memory(self, **options: Any) -> "PostgreSQLMemoryStore":
        """A memory store of the run's owner, which writes at once, and each message of the run once."""
        from .memory import PostgreSQLMemoryStore

        given: dict[str, Any] = {"run_id": self.run_id, **options}
        return PostgreSQLMemoryStore(owner=self._owner, store=self._store, **given)

    @property
    def interrupts(self) -> dict[str, Any]:
        return self._repository.interrupts if self._repository else {}

    @property
    def answered_interrupts(self) -> list[str]:
        return self._repository.answered_interrupts if self._repository else []

    def check_answers(self, interrupt_ids: Sequence[str]) -> None:
        """Whether a prompt with answers to these interrupts, or to none, may come now.

        What waits in a Graph or a Swarm is known once that was made. Raises `InterruptAnsweredError` for an answer
        that was given before, `AwaitingResponseError` for any other.
        """
        check_answers(interrupt_ids, list(self.interrupts), self.answered_interrupts)

    @property
    def restored_message_count(self) -> int:
        return self._repository.restored_message_count if self._repository else 0

    @property
    def round_trips(self) -> int:
        """Those for its begin and its writes, so far."""
        return self._reads + self._writer.writes

    @property
    def is_cancelled(self) -> bool:
        return self._keeper.is_cancelled

    @property
    def is_called_off(self) -> bool:
        """Its lease is lost, or somebody asked for its end: `end_reason` says which."""
        return self._keeper.is_called_off

    @property
    def end_reason(self) -> SessionStoreError:
        """Why this run cancelled its agent: its lease is lost, or somebody asked for its end."""
        return self._keeper.end_reason

    def complete(self, result: Mapping[str, Any]) -> None:
        """Keep `result` with the run when it commits: the answer to the same idempotency key."""
        self._result = encode("result", result)

    def set_title(self, title: str) -> None:
        """Call the session so, with the run's next write, unless somebody has given it a title.

        Raises `InvalidInputError`.
        """
        self._journal.set_title(checked_title("title", title))

    def count_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """What its models have taken and made, counted for its owner when the run ends, however it does."""
        self._writer.count_tokens(input_tokens, output_tokens)

    def keep_exchange(self, prompt: str | None, answer: Message | None) -> None:
        """Add what a Graph or a Swarm was asked and answered to the run's history: its nodes keep none of their own."""
        if self._repository:
            self._repository.append_exchange(prompt, answer)

    def withdraw(self) -> None:
        """Leave the block by an exception as if the run had not begun: it counts for nobody, and may begin once more.

        For another agent alone, and only while nothing of it is stored.
        """
        self._is_withdrawn = True

    def cancel(self) -> None:
        """End the run at the agent's next safe point; thread-safe. Leaving the block raises `RunCancelledError`."""
        self._keeper.cancel()

    def _begin(self) -> None:
        started = time.perf_counter()
        limited = time_limit(self._deadline)
        with limited, self.trace.timed("restore"), traced("begin", self.session_id, self.run_id):
            wait_until = min(time.monotonic() + self._wait_seconds, self._deadline - MINIMUM_TURN_SECONDS)
            begun = begin_in_turn(self._store.runs, self._owner, self._request, wait_until)
        self._reads += 1
        self.begin_seconds = time.perf_counter() - started
        if isinstance(begun, RunRecord):
            self.stored = begun
            self.session_id, self.run_id = begun.session_id, begun.run_id
            return
        self._keeper.start()
        try:
            self._prepare(begun)
        except BaseException as error:
            self._keeper.stop()
            self._writer.abort(error)
            raise

    def _prepare(self, begun: BegunRun) -> None:
        begun = self._go_back(begun)
        repository = RunRepository(self._store, self._owner, self.agent_id, begun, self._journal)
        self._session_manager = RunSessionManager(
            repository,
            self.session_id,
            self._flush_of_agent,
            self._flushes.begin,
            self._keeper.agents.append,
            self.trace,
        )
        self._repository = repository
        self._open_storage = cache(partial(self._make_storage, begun))

    def _go_back(self, begun: BegunRun) -> BegunRun:
        """Under the lease, so that where to is still true when the run commits."""
        with time_limit(self._deadline):
            find = self._from_message_id
            message_id = find(begun) if callable(find) else find
            if message_id is None:
                return begun
            self._rewind = Rewind(self.agent_id, message_id)
            self._journal.rewind(self._rewind)
            self._reads += 2
            with self.trace.timed("restore"):
                return read_rewound(self._store, self._owner, self.session_id, begun, self._rewind)

    def _make_storage(self, begun: BegunRun) -> "PostgreSQLStorage":
        from .storage import PostgreSQLStorage

        durable = DurableValues(require_server_store(self._store).values, self._owner)
        values = RunValues(durable, self.agent_id, begun, self._journal, self._keeper.check)
        return PostgreSQLStorage.of_run(values, self._storage_ttl_seconds)

    async def _flush_of_agent(self) -> None:
        """For an agent. One in a blocking run has an event loop of its own, where a thread would only cost time."""
        if self.is_async:
            await offload(self.flush)
        else:
            self.flush()

    def flush(self) -> None:
        """Make durable what was gathered, as the session manager does where a crash must lose nothing."""
        with as_session_exceptions(), self._writing:
            if self._closed:  # an agent that outlived its run
                raise RunEndedError(self.run_id)
            # The history that is to be replaced stays as it is until the turn is complete.
            if self._rewind or self._journal.is_empty:
                return
            try:
                if self._writer.write(None):
                    self.cancel()
            except LeaseLostError:
                self._keeper.end_agents()  # a model may be at work already
                raise

    def _commit(self) -> None:
        try:
            for agent in self._keeper.agents:
                self.session_manager.hold(agent)
            self._journal.close()  # nothing that comes from now on would be stored
            self._writer.complete(self._result, self.agent_id)
        except InvalidInputError as refusal:  # nothing was stored: the session is free for another try at once
            self._writer.abort(refusal)
            raise
