"""The store's errors as Strands expects them: also its `SessionException`, or its `StorageError`."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import cast

from strands.types.exceptions import SessionException, StorageError

from .errors import SessionStoreError


@contextmanager
def as_session_exceptions() -> Generator[None]:
    """Errors of the block keep their type and become a `SessionException` too.

    The store itself cannot derive from Strands: the functions without an agent never import it.
    """
    try:
        yield
    except SessionStoreError as error:
        error.__class__ = _also(type(error), SessionException)
        raise


@contextmanager
def as_storage_errors() -> Generator[None]:
    """Errors of the block keep their type and become a `StorageError` too."""
    try:
        yield
    except SessionStoreError as error:
        error.__class__ = _also(type(error), StorageError)
        raise


@cache
def _also(kind: type[SessionStoreError], expected: type[Exception]) -> type[SessionStoreError]:
    if issubclass(kind, expected):
        return kind
    return cast(type[SessionStoreError], type(kind.__name__, (kind, expected), {"__module__": kind.__module__}))
