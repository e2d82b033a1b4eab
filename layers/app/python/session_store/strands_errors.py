"""The store's errors as Strands expects them: also `strands.types.exceptions.SessionException`."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import cast

from strands.types.exceptions import SessionException

from .errors import SessionStoreError


@contextmanager
def as_session_exceptions() -> Generator[None]:
    """Errors of the block keep their type and become a `SessionException` too.

    The store itself cannot derive from Strands: the functions without an agent never import it.
    """
    try:
        yield
    except SessionStoreError as error:
        error.__class__ = _also_session_exception(type(error))
        raise


@cache
def _also_session_exception(kind: type[SessionStoreError]) -> type[SessionStoreError]:
    if issubclass(kind, SessionException):
        return kind
    return cast(type[SessionStoreError], type(kind.__name__, (kind, SessionException), {"__module__": kind.__module__}))
