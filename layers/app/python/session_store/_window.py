"""The rest of a window that is too large for the answer to a begin, read under the run's lease."""

import time
from collections.abc import Sequence

from .errors import AgentNotFoundError, LeaseLostError
from .records import BegunRun, MessageRecord, RunRequest
from .store import Messages, Runs

_PAGE_BYTES = 4_000_000
_RENEWALS_PER_LEASE = 3


def read_rest(
    messages: Messages, runs: Runs, owner: str, request: RunRequest, begun: BegunRun, next_id: int
) -> BegunRun:
    """With the messages from `next_id` on, too.

    The lease is renewed meanwhile, and once more in the end. Raises `LeaseLostError` if it did not last: what was read
    need not belong together then.
    """
    count = begun.agent.message_count if begun.agent else 0
    window, page, renewed_at = list(begun.messages), begun.messages, time.monotonic()
    while next_id < count:
        page = _read_page(messages, owner, request, next_id, _page_size(page))
        window += page
        next_id += len(page) or count
        if time.monotonic() - renewed_at > request.lease_seconds / _RENEWALS_PER_LEASE or next_id >= count:
            runs.renew(owner, request.session_id, request.run_id, request.lease_seconds)
            renewed_at = time.monotonic()
    return begun._replace(messages=window)


def _read_page(messages: Messages, owner: str, request: RunRequest, next_id: int, size: int) -> Sequence[MessageRecord]:
    try:
        return messages.list(owner, request.session_id, request.agent_id, from_message_id=next_id, limit=size)
    except AgentNotFoundError as error:
        raise LeaseLostError(request.run_id, "the session was deleted") from error


def _page_size(page: Sequence[MessageRecord]) -> int:
    """So many of the size of these: each answer has to come well within the lease."""
    size = sum(len(message.message) + len(message.redact_message or "") for message in page)
    return max(1, _PAGE_BYTES * len(page) // size) if size else 1
