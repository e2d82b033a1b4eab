"""Records as Strands gives them."""

import json
from typing import Any

from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.store import Store

CREATED_AT = "2026-11-22T10:00:00.123456+00:00"
UPDATED_AT = "2026-11-22T10:00:01.654321+00:00"
MANAGER_STATE = '{"__name__":"SlidingWindowConversationManager","removed_message_count":0}'


def session(session_id: str = "s") -> SessionRecord:
    return SessionRecord(session_id, "AGENT", CREATED_AT, UPDATED_AT)


def agent(agent_id: str = "default", **changes: Any) -> AgentRecord:
    values = {"state": '{"k":1}', "conversation_manager_state": MANAGER_STATE, "internal_state": "{}", **changes}
    return AgentRecord(agent_id, created_at=CREATED_AT, updated_at=UPDATED_AT, **values)


def message(message_id: int, text: str = "Hello", role: str = "user") -> MessageRecord:
    body = json.dumps({"role": role, "content": [{"text": text}]}, ensure_ascii=False)
    return MessageRecord(message_id, body, None, CREATED_AT, UPDATED_AT)


def add_session(store: Store, owner: str, *texts: str, session_id: str = "s", agent_id: str = "default") -> None:
    store.sessions.create(owner, session(session_id))
    store.agents.create(owner, session_id, agent(agent_id))
    for number, text in enumerate(texts):
        store.messages.create(owner, session_id, agent_id, message(number, text), text if number == 0 else None)
