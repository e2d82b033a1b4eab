"""Runs one statement at a time, over a connection that comes back by itself."""

import os
import queue
import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from math import inf
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from ._database_errors import (
    NEEDS_NEW_CONNECTION,
    NOT_FOUND,
    NOT_STORABLE,
    ROLLED_BACK,
    is_transient,
    is_undone,
    translate,
)
from ._statement_names import DEFAULT_SCHEMA, StatementNames
from .connection import Connection, Statement, connect
from .errors import InvalidInputError
from .sending import Sending, ServerClock
from .settings import StoreSettings
from .time_limit import seconds_left, time_limit

T = TypeVar("T")
_RETRY_PAUSE_SECONDS = (0.05, 0.25)
# A statement that was rolled back is safe to try again, and needs to be where transactions are serializable by default.
_TRIES_AFTER_ROLLBACK = 8
_TRIES = 2


class Result(NamedTuple):
    """repeated: an earlier try may have been committed before its answer was lost."""

    rows: list[tuple[Any, ...]]
    repeated: bool


class _Place:
    """Room for one connection, made when first needed: so it keeps the time limit of the call that waits for it."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self.used_at = 0.0

    def connection(self) -> Connection:
        known = self._connection
        if known is None or known.closed or time.monotonic() - self.used_at > self._settings.idle_seconds:
            self.discard()
            self._connection = known = connect(self._settings)
            self.used_at = time.monotonic()
        return known

    def discard(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Database:
    """`pool_size` lazy connections a process; one, unless it serves many requests at a time.

    A statement is repeated once if its connection broke, so every statement given to it is safe to repeat: it reads,
    sets absolute values, or inserts under a key and compares afterwards. Threads beyond the connections take turns.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self.round_trips = 0
        self._settings = settings
        self._names = StatementNames(settings.schema)
        self._clock = ServerClock()
        self._start_in_this_process()

    def fetch(
        self, statement: Statement, parameters: Mapping[str, Any], answers: tuple[type[psycopg.Error], ...] = ()
    ) -> Result:
        """All rows of one statement, in which `{name}` is a table or a function of the store.

        answers: the errors by which the statement itself answers, which leave as they are. Every other one leaves as
        `StoreUnavailableError`, `InvalidInputError`, `ConfigurationError` or, if it is none of these, their root.
        """
        with time_limit(time.monotonic() + self._seconds_left()):
            return self._fetch(statement, parameters, answers)

    def send(self, send: Callable[[Sending], T]) -> T:
        """See `ServerClock.send`."""
        return self._clock.send(self._seconds_left(), send)

    def _seconds_left(self) -> float:
        """How long a statement may take that is sent now."""
        return min(seconds_left(), self._settings.statement_timeout_seconds)

    def _fetch(
        self, statement: Statement, parameters: Mapping[str, Any], answers: tuple[type[psycopg.Error], ...]
    ) -> Result:
        tries, repeated = 0, False
        while True:
            try:
                return Result(self._execute(statement, parameters), repeated)
            except UnicodeEncodeError as error:  # a lone surrogate in what is stored as text
                raise InvalidInputError("value", NOT_STORABLE) from error
            except answers:
                raise
            except psycopg.Error as error:
                tries += 1
                if not self._may_try_again(error, tries):
                    raise translate(error) from error
                repeated = repeated or not is_undone(error)

    def _may_try_again(self, error: psycopg.Error, tries: int) -> bool:
        if isinstance(error, NOT_FOUND):
            return self._try_default_schema()
        if tries >= (_TRIES_AFTER_ROLLBACK if isinstance(error, ROLLED_BACK) else _TRIES) or not is_transient(error):
            return False
        if seconds_left() < _RETRY_PAUSE_SECONDS[1]:
            return False
        time.sleep(random.uniform(*_RETRY_PAUSE_SECONDS))  # noqa: S311 - jitter, not a secret
        return True

    def _try_default_schema(self) -> bool:
        """Where no schema is asked for, a role's search_path may be empty, or lack the one that migrations went to."""
        if self._settings.schema is not None:
            return False
        is_new = self._names.schema is None
        self._names = StatementNames(DEFAULT_SCHEMA if is_new else None)
        return is_new

    def connect(self) -> None:
        """Connect now rather than at the first statement. Raises `psycopg.Error` and `ConfigurationError`."""
        with self._taken() as place:
            place.connection()

    def close(self) -> None:
        """Waits for the calls under way. A later call connects again."""
        if os.getpid() != self._process_id:
            return
        places = [self._free.get() for _ in range(self._settings.pool_size)]
        for place in places:
            place.discard()
            self._free.put(place)

    def _start_in_this_process(self) -> None:
        """A forked child leaves connections and queue to its parent: both would write to one socket."""
        self._process_id = os.getpid()
        # The one that was used last comes first, so that those that are not needed grow old and are replaced.
        self._free: queue.LifoQueue[_Place] = queue.LifoQueue()
        for _ in range(self._settings.pool_size):
            self._free.put(_Place(self._settings))

    def _execute(self, statement: Statement, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if os.getpid() != self._process_id:
            self._start_in_this_process()
        with self._taken() as place:
            connection = place.connection()
            try:
                self.round_trips += 1
                cursor = connection.execute(self._names.fill(statement), parameters)
                return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
            except BaseException as error:
                # A statement that an exception of a signal's handler left half-way would block every later one.
                idle = connection.info.transaction_status is TransactionStatus.IDLE
                if isinstance(error, NEEDS_NEW_CONNECTION) or not idle:
                    place.discard()
                raise
            finally:
                place.used_at = time.monotonic()

    @contextmanager
    def _taken(self) -> Generator[_Place]:
        """A connection's place for this thread alone."""
        left = seconds_left()
        try:
            place = self._free.get(timeout=None if left == inf else max(0.0, left))
        except queue.Empty:
            raise psycopg.OperationalError("every connection is in use") from None
        try:
            yield place
        finally:
            self._free.put(place)
