"""What is stored of a session's conversation, for clients that show it in messages of their own kind."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from api import answers
from api.call import Call
from api.history import find_damage, without_binary
from session_store.errors import NotFoundError
from session_store.interrupts import find_interrupts
from session_store.message_pieces import read_messages
from session_store.records import MessageRecord
from session_store.wire import Page

_LAST = 10**15
_MAXIMUM_MESSAGES = 10_000


class StoredConversation(NamedTuple):
    """messages: of Strands' kind, with the ids that clients know them by, oldest first; of a very long history the end.

    state: the agent's. interrupts: what it waits for.
    """

    messages: list[tuple[str, dict[str, Any]]]
    state: dict[str, Any]
    interrupts: list[answers.Interrupt]


def read_conversation(call: Call, session_id: str) -> StoredConversation:
    """Empty where there is no such session of the caller's, or its first turn has not ended."""
    agent_id = call.settings.agent_id
    try:
        agent = call.store.agents.read(call.owner, session_id, agent_id)
    except NotFoundError:  # a session backend knows the session first
        agent = None
    if agent is None:
        return StoredConversation([], {}, [])
    waiting = find_interrupts(json.loads(agent.internal_state)).values()
    interrupts: list[answers.Interrupt] = [
        {"id": each["id"], "name": each["name"], "reason": each.get("reason")} for each in waiting
    ]
    messages = list(_read_newest(call, session_id, agent_id))[::-1]
    return StoredConversation(messages, json.loads(agent.state), interrupts)


def attachments_path(session_id: str) -> str:
    """Where the bytes in its messages are."""
    return f"/sessions/{quote(session_id, safe='')}/attachments"


def _read_newest(call: Call, session_id: str, agent_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    place, page = (call.owner, session_id, agent_id), Page()
    try:
        records = read_messages(
            call.store.messages, *place, from_message_id=_LAST, limit=_MAXIMUM_MESSAGES, order="desc"
        )
    except NotFoundError:  # deleted just now
        return
    for record in records:
        if not isinstance(record, MessageRecord) or not page.add(
            text := without_binary(record.message, record.message_id)
        ):
            return
        if not find_damage(record.message):
            message: dict[str, Any] = json.loads(text)
            yield message.get("tracking_id") or f"message-{record.message_id}", message
