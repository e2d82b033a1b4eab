"""What a run's errors mean for its outcome."""

import uuid
from typing import Literal

from strands.types.exceptions import EventLoopException

from .errors import InvalidIdentifierError, RunCancelledError, SessionStoreError


def checked_uuid(run_id: str) -> str:
    try:
        return str(uuid.UUID(run_id))
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidIdentifierError("run_id", "must be a UUID") from error


def find_cause(error: BaseException | None) -> BaseException | None:
    """Strands wraps what its event loop meets: a lost lease must not look like a failure of the agent."""
    cause = error
    while isinstance(cause, EventLoopException):
        cause = cause.original_exception
    return cause if isinstance(cause, SessionStoreError) else error


def failure_status(error: BaseException) -> Literal["failed", "cancelled"]:
    return "cancelled" if isinstance(error, RunCancelledError) else "failed"


def error_code(error: BaseException) -> str:
    """What is not ours keeps its name to itself."""
    return error.code if isinstance(error, SessionStoreError) else "internal_error"
