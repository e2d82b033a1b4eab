"""Deletes what is due in statements of bounded work, and passes over what cannot be deleted."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import psycopg

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import SessionStoreError

MAXIMUM_ROWS = 5_000
_SMALLER = 10
_MOST_PASSED_OVER = 1_000
_TIMED_OUT = "57014"
# The server goes, has no room, or is not set up: the next record would fare no better.
_OF_THE_SERVER = ("08", "25", "28", "3D", "3F", "42", "53", "57P", "58")

logger = logging.getLogger(__name__)


class Batch(NamedTuple):
    """deleted: how many are gone. rows: how many rows of them, and of those that are not gone yet."""

    deleted: int
    rows: int


class Expiry(Iterator[int]):
    """How many were deleted, batch by batch as it is taken.

    passed_over: why, by key, of each that cannot be deleted; the others are deleted all the same.

    find: the keys that are due but not among those given. delete: those of the keys that still are, with at most so
    many rows.
    """

    def __init__(
        self,
        find: Callable[[Sequence[str]], Sequence[str]],
        delete: Callable[[Sequence[str], int], Batch],
        batch_size: int,
    ) -> None:
        self.passed_over: dict[str, str] = {}
        self._find, self._delete, self._batch_size = find, delete, batch_size
        self._in_use: list[str] = []
        self._max_rows = MAXIMUM_ROWS
        self._batches = self._run()

    def __next__(self) -> int:
        return next(self._batches)

    def _run(self) -> Iterator[int]:
        while len(self.passed_over) < _MOST_PASSED_OVER:
            keys = self._find([*self.passed_over, *self._in_use])
            try:
                batch = self._delete(keys, self._max_rows) if keys else Batch(0, 0)
            except (SessionStoreError, psycopg.Error) as error:
                if not find_refusal(error):
                    raise
                yield from map(self._delete_alone, keys)
                continue
            if not batch.rows:
                self._in_use += keys
            yield batch.deleted
            if len(keys) < self._batch_size and batch.deleted == len(keys):
                return

    def _delete_alone(self, key: str) -> int:
        """With fewer rows after a timeout, down to one."""
        before = self._max_rows
        while True:
            try:
                return self._delete([key], self._max_rows).deleted
            except (SessionStoreError, psycopg.Error) as error:
                refusal = find_refusal(error)
                if not refusal:
                    raise
                if not is_timeout(error) or self._max_rows == 1:
                    self._max_rows = before
                    self._pass_over(key, refusal)
                    return 0
                self._max_rows = max(1, self._max_rows // _SMALLER)

    def _pass_over(self, key: str, refusal: psycopg.Error) -> None:
        self.passed_over[key] = reason = f"{type(refusal).__name__} ({refusal.sqlstate})"
        logger.error("key=<%s>, error=<%s> | cannot be deleted, passed over", key, reason)


def delete_in_batches(database: Database, statement: Statement, batch_size: int, **parameters: Any) -> Iterator[int]:
    """How many were deleted by each statement, which returns a row for each and deletes `batch_size` at most."""
    while True:
        deleted = len(database.fetch(statement, {**parameters, "batch_size": batch_size}).rows)
        yield deleted
        if deleted < batch_size:
            return


def find_refusal(error: Exception) -> psycopg.Error | None:
    """What the server said against this statement; None if it said nothing, or would of any statement."""
    refusal = error if isinstance(error, psycopg.Error) else error.__cause__
    if not isinstance(refusal, psycopg.Error) or not refusal.sqlstate or refusal.sqlstate.startswith(_OF_THE_SERVER):
        return None
    return refusal


def is_timeout(error: Exception) -> bool:
    """Whether the statement took longer than the server lets its role."""
    refusal = find_refusal(error)
    return refusal is not None and refusal.sqlstate == _TIMED_OUT
