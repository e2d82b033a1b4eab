"""What one turn is asked."""

from collections.abc import Mapping
from math import inf
from typing import Any, NamedTuple

from session_store.records import FindMessage, IfBusy
from turns.frontend_input import Frontend

Prompt = str | list[dict[str, Any]]
"""Text, content blocks as Strands has them, or answers to interrupts: `[{"interruptResponse": {"interruptId": …}}]`."""


class TurnRequest(NamedTuple):
    """`deadline`: the moment of `time.monotonic()` at which the turn is over. Without a `session_id` a session begins.

    request_hash: the same for a request that is sent again with its idempotency key. run_id: the caller's own, a UUID.
    claims: of the caller's verified token. metadata: the client's own, for `build_agent` and tools.
    from_message_id: before which message of the agent the turn goes on, or what finds it once the turn has begun.
    is_recorded: others may watch the turn, and find it again. frontend: what a frontend brings, which is then shown the
    agent's state. if_busy, wait_seconds: as for `PostgreSQLSessionRepository.run`.
    """

    owner: str
    session_id: str | None
    prompt: Prompt
    idempotency_key: str | None
    request_hash: str | None
    deadline: float
    run_id: str | None = None
    end_user: str | None = None
    claims: Mapping[str, Any] = {}
    metadata: Mapping[str, Any] = {}
    from_message_id: int | FindMessage | None = None
    is_recorded: bool = False
    frontend: Frontend | None = None
    if_busy: IfBusy = "reject"
    wait_seconds: float = inf
