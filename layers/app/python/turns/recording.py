"""Stores what a turn's stream says while the turn goes on, so that others can read it."""

import _thread
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import NamedTuple, Protocol, Self, TypeVar

from session_store.errors import LeaseLostError, SessionStoreError
from session_store.run_events import EventBatch, RunEvents
from session_store.time_limit import time_limit
from turns.events import Event, TurnFailed
from turns.projections.stored import DumpedEvent, dump_batch, dump_event

FLUSH_SECONDS = 0.5
FLUSH_CHARACTERS = 32 * 1024
# A flush shares the process's one connection with the turn's own writes, so it may not hold it for long.
WRITE_SECONDS = 2.0
MAXIMUM_CHARACTERS = 8 * 1024 * 1024

logger = logging.getLogger(__name__)


T = TypeVar("T")


class RecordedRun(NamedTuple):
    owner: str
    run_id: str


class Redactable(Protocol):
    is_redacted: bool


class Recording:
    """Numbers events from 1, as the live stream does, and stores them in batches on a thread of its own.

    A batch is stored 0.5 s after its first event, or once it is large. The thread starts when the first batch is due:
    any earlier, it would delay the first word. What cannot be stored costs the turn nothing: then nobody can join it.
    Leaving the block by an error adds that, and waits until all is stored: the run must still hold its session. events:
    None stores nothing.
    """

    def __init__(self, events: RunEvents | None, run: RecordedRun, explain: Callable[[Exception], TurnFailed]) -> None:
        self._events, self._run, self._explain = events, run, explain
        self._changed = threading.Condition()
        self._pending: list[DumpedEvent] = []
        self._pending_characters = 0
        self._due_at = 0.0
        self._stored_number = 0
        self._is_ending, self._is_over = False, events is None
        self._has_thread, self._has_ended = False, threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception):
            self.add(self._explain(error))
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        if self._events and not self._has_thread:
            self._store_each(self._events)
        self._join()

    def follow(self, events: Generator[Event | None, None, T], agent: Redactable) -> Generator[Event | None, None, T]:
        """The same events, recorded; what a guardrail takes back is no longer to be read, with all that was said."""
        with closing(events):
            while True:
                try:
                    event = next(events)
                except StopIteration as ended:
                    return ended.value
                if agent.is_redacted:
                    self._discard()
                if event is not None:
                    self.add(event)
                yield event

    def add(self, event: Event) -> None:
        """Waits for nothing."""
        if self._events is None or self._is_over:
            return
        dumped = dump_event(event)
        with self._changed:
            if self._is_over:
                return
            if not self._pending:
                self._due_at = time.monotonic() + FLUSH_SECONDS
            self._pending.append(dumped)
            self._pending_characters += _count_characters(dumped)
            if self._pending_characters > MAXIMUM_CHARACTERS:
                self._end()
            elif len(self._pending) == 1 or self._pending_characters >= FLUSH_CHARACTERS:
                self._changed.notify()
        self.keep_up()

    def keep_up(self) -> None:
        """To be called again and again, also while no events come. Waits for nothing."""
        if self._events is None or self._has_thread or self._is_over or not self._is_due():
            return
        # Not `Thread.start`, which waits until the thread runs: beside a busy event loop that takes milliseconds.
        _thread.start_new_thread(self._store_batches, (self._events,))
        self._has_thread = True

    def _discard(self) -> None:
        if self._is_over or self._events is None:
            return
        with self._changed:
            self._end()
        self._join()
        with time_limit(time.monotonic() + WRITE_SECONDS):
            self._events.delete(self._run.owner, self._run.run_id)

    def _join(self) -> None:
        if self._has_thread:
            self._has_ended.wait(WRITE_SECONDS)

    def _store_batches(self, events: RunEvents) -> None:
        try:
            self._store_each(events)
        finally:
            self._has_ended.set()

    def _store_each(self, events: RunEvents) -> None:
        while batch := self._next_batch():
            try:
                with time_limit(time.monotonic() + WRITE_SECONDS):
                    is_stored = events.append(*self._run, batch)
            except SessionStoreError as error:
                self._failed(error)
            else:
                self._settle(batch, is_stored=is_stored)

    def _next_batch(self) -> EventBatch | None:
        with self._changed:
            while not self._is_due():
                self._changed.wait(self._due_at - time.monotonic() if self._pending else None)
            if self._is_over or not self._pending:
                return None
            number = self._stored_number
            return EventBatch(number + 1, number + len(self._pending), dump_batch(self._pending))

    def _is_due(self) -> bool:
        if self._is_over or self._is_ending:
            return True
        is_large = self._pending_characters >= FLUSH_CHARACTERS
        return bool(self._pending) and (is_large or time.monotonic() >= self._due_at)

    def _settle(self, batch: EventBatch, *, is_stored: bool) -> None:
        with self._changed:
            if not is_stored:
                self._end()
                return
            del self._pending[: batch.last_number - self._stored_number]
            self._pending_characters = sum(map(_count_characters, self._pending))
            self._stored_number = batch.last_number
            self._due_at = time.monotonic() + FLUSH_SECONDS

    def _failed(self, error: SessionStoreError) -> None:
        """An unreachable database is tried again; a session that is another's by now is not."""
        logger.warning("run_id=<%s>, error=<%s> | events not stored", self._run.run_id, error)
        with self._changed:
            if self._is_ending or isinstance(error, LeaseLostError):
                self._end()
            else:
                self._changed.wait(FLUSH_SECONDS)

    def _end(self) -> None:
        self._is_over = True
        self._pending.clear()
        self._changed.notify()


def _count_characters(dumped: DumpedEvent) -> int:
    """As they are stored, where pieces of a text share a head."""
    return len(dumped.piece or dumped.head)
