"""An agent's window: page by page, and no larger than a process has memory for."""

import time
from collections.abc import Iterator, Sequence

from .errors import AgentNotFoundError, LeaseLostError, WindowTooLargeError
from .records import BegunRun, MessagePage, MessageRecord, OmittedMessage, RunRequest
from .store import Messages, Runs

# A model takes less. An agent holds each message several times over, as text, as objects, and in its request.
MAXIMUM_WINDOW_BYTES = 32_000_000
_RENEWALS_PER_LEASE = 3
_PAGE_MESSAGES = 10_000
"""Round trips are few then; it is their bytes that bound pages. The session backend has fewer in one answer."""


class Window:
    """Messages that a run restores. Raises `WindowTooLargeError` for the one that is too much."""

    def __init__(self, messages: Sequence[MessageRecord] = ()) -> None:
        self.messages: list[MessageRecord] = []
        self._left_bytes = MAXIMUM_WINDOW_BYTES
        self.add(messages)

    def add(self, messages: Sequence[MessageRecord | OmittedMessage]) -> None:
        for message in messages:
            if isinstance(message, OmittedMessage):
                raise WindowTooLargeError(message.message_id, message.size_bytes, MAXIMUM_WINDOW_BYTES)
            size = len(message.message) + len(message.redact_message or "")
            self._left_bytes -= size
            if self._left_bytes < 0:
                raise WindowTooLargeError(message.message_id, size, MAXIMUM_WINDOW_BYTES)
            self.messages.append(message)


def read_window(
    messages: Messages, owner: str, session_id: str, agent_id: str, from_message_id: int
) -> list[MessageRecord]:
    """All messages from there on. Raises `AgentNotFoundError`, `WindowTooLargeError`."""
    window = Window()
    for page in _read_pages(messages, owner, session_id, agent_id, from_message_id):
        window.add(page.messages)
    return window.messages


def read_rest(
    messages: Messages, runs: Runs, owner: str, request: RunRequest, begun: BegunRun, next_id: int
) -> BegunRun:
    """With the messages from `next_id` on, too, which the answer to the begin had no room for.

    The lease is renewed meanwhile, and once more in the end. Raises `LeaseLostError` if it did not last: what was read
    need not belong together then. Raises `WindowTooLargeError`.
    """
    window, renewed_at = Window(begun.messages), time.monotonic()
    try:
        for page in _read_pages(messages, owner, request.session_id, request.agent_id, next_id):
            window.add(page.messages)
            is_due = time.monotonic() - renewed_at > request.lease_seconds / _RENEWALS_PER_LEASE
            if is_due or page.next_message_id is None:
                runs.renew(owner, request.session_id, request.run_id, request.lease_seconds)
                renewed_at = time.monotonic()
    except AgentNotFoundError as error:
        raise LeaseLostError(request.run_id, "the session was deleted") from error
    return begun._replace(messages=window.messages)


def _read_pages(
    messages: Messages, owner: str, session_id: str, agent_id: str, start: int | None
) -> Iterator[MessagePage]:
    while start is not None:
        page = messages.page(owner, session_id, agent_id, from_message_id=start, limit=_PAGE_MESSAGES)
        yield page
        start = page.next_message_id
