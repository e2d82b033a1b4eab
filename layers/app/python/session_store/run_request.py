"""What a run asks for when it begins, checked."""

import uuid
from typing import Any, get_args

from .errors import InvalidInputError
from .identifiers import checked
from .lease import checked_lease
from .records import IfBusy, RunRequest
from .run_errors import checked_uuid


def make_run_request(
    session_id: str | None,
    agent_id: str,
    *,
    run_id: str | None,
    lease_seconds: float,
    idempotency_key: str | None,
    request_hash: str | None,
    if_busy: IfBusy,
) -> RunRequest:
    """Of a new session and a new run, where they have no id yet. Raises `InvalidInputError`."""
    return RunRequest(
        checked("session_id", uuid.uuid4().hex if session_id is None else session_id),
        checked("agent_id", agent_id),
        str(uuid.uuid4()) if run_id is None else checked_uuid(run_id),
        checked_lease("lease_seconds", lease_seconds),
        None if idempotency_key is None else checked("idempotency_key", idempotency_key),
        None if request_hash is None else checked("request_hash", request_hash),
        if_busy=_checked_choice("if_busy", if_busy),
    )


def _checked_choice(field: str, value: Any) -> IfBusy:
    for choice in get_args(IfBusy):
        if choice == value:
            return choice
    raise InvalidInputError(field, f"must be one of {', '.join(get_args(IfBusy))}")
