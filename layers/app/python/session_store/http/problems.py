"""From the session backend's problem documents back to the errors that the store raised there."""

import json
from collections.abc import Mapping
from typing import Any, cast

from session_store import errors

# The codes are those of the API's own table, which the client does not have: a test holds the two together.
ERRORS: Mapping[str, type[errors.SessionStoreError]] = {
    "invalid_request": errors.InvalidInputError,
    "malformed_request": errors.InvalidInputError,
    "payload_too_large": errors.TooLargeError,
    "idempotency_key_reused": errors.IdempotencyKeyReusedError,
    "session_not_found": errors.SessionNotFoundError,
    "agent_not_found": errors.AgentNotFoundError,
    "message_not_found": errors.MessageNotFoundError,
    "multi_agent_not_found": errors.MultiAgentNotFoundError,
    "cursor_not_found": errors.CursorNotFoundError,
    "run_not_found": errors.RunNotFoundError,
    "already_exists": errors.AlreadyExistsError,
    "message_order": errors.MessageOrderError,
    "session_busy": errors.SessionBusyError,
    "run_in_progress": errors.RunInProgressError,
    "lease_lost": errors.LeaseLostError,
    "store_unavailable": errors.StoreUnavailableError,
}


def error_of(status: int, text: str) -> errors.SessionStoreError:
    """The error of an answer; by its status where the gateway answered, or something that is no session backend."""
    document = _document(text)
    kind, attributes = ERRORS.get(document.get("code", "")), document.get("attributes")
    if kind is None or not isinstance(attributes, dict):
        return _of_status(status)
    # Made without its constructor, whose words were chosen there: the same words, the same attributes.
    error = kind.__new__(kind, document["detail"]["message"])
    vars(error).update(cast(dict[str, Any], attributes))
    return error


def _document(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _of_status(status: int) -> errors.SessionStoreError:
    if status in (401, 403):
        return errors.ConfigurationError(f"the session backend refuses this caller (HTTP {status})")
    if status == 429 or status >= 500:
        return errors.StoreUnavailableError(f"the session backend does not answer (HTTP {status})")
    return no_session_backend(f"HTTP {status}")


def no_session_backend(reason: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(f"SESSION_BACKEND_URL leads to no session backend of this version: {reason}")
