"""An agent's messages, however many and large, in pieces that fit into memory."""

from collections.abc import Iterator
from typing import Literal

from .records import MessageRecord, OmittedMessage
from .store import Messages


def read_messages(
    messages: Messages,
    owner: str,
    session_id: str,
    agent_id: str,
    *,
    from_message_id: int,
    limit: int,
    order: Literal["asc", "desc"] = "asc",
) -> Iterator[MessageRecord | OmittedMessage]:
    """The first piece is read at once, each other one when it is taken. Raises `AgentNotFoundError`."""
    page = messages.page(owner, session_id, agent_id, from_message_id=from_message_id, limit=limit, order=order)

    def take() -> Iterator[MessageRecord | OmittedMessage]:
        nonlocal page
        left = limit
        while True:
            yield from page.messages
            left -= len(page.messages)
            if page.next_message_id is None or left <= 0:
                return
            start = page.next_message_id
            page = messages.page(owner, session_id, agent_id, from_message_id=start, limit=left, order=order)

    return take()
