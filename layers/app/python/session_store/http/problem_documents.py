"""From the session backend's problem documents back to the errors that the store raised there."""

import json
from typing import Any

from session_store import errors

_SERVICE_FAILED = 500  # its words are for its own log


def _by_code() -> dict[str, type[errors.SessionStoreError]]:
    """Of classes that share a code, the topmost."""
    found: dict[str, type[errors.SessionStoreError]] = {}
    level: list[type[errors.SessionStoreError]] = [errors.SessionStoreError]
    while level:
        found = {kind.code: kind for kind in level} | found
        level = [child for kind in level for child in kind.__subclasses__()]
    # The API's own name for a body that cannot be read: here it is a value refused like others.
    return {**found, "malformed_request": errors.InvalidInputError}


ERRORS = _by_code()


def parse_problem(status: int, text: str) -> errors.SessionStoreError:
    """The error of an answer; by its status where the gateway answered, or something that is no session backend."""
    document = _document(text)
    match document:
        case {"code": str(code), "detail": {"message": str(message)}, "attributes": {}} if (
            code in ERRORS and status != _SERVICE_FAILED
        ):
            # Made without its constructor, whose words were chosen there: the same words, the same attributes.
            error = ERRORS[code].__new__(ERRORS[code], message)
            vars(error).update(document["attributes"])
            return error
        case _:
            return _of_status(status)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_status(status: int) -> errors.SessionStoreError:
    if status in (401, 403):
        return errors.ConfigurationError(f"the session backend refuses this caller (HTTP {status})")
    if status == 429 or status >= 500:
        return errors.StoreUnavailableError(f"the session backend does not answer (HTTP {status})")
    return no_session_backend(f"HTTP {status}")


def no_session_backend(reason: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(f"SESSION_BACKEND_URL leads to no session backend of this version: {reason}")
