"""Sessions of any messages, put into the store."""

import json

from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from tests.support.http_api import ALICE

NOW = "2026-11-22T10:00:00+00:00"

HISTORY = "/sessions/{session_id}/history"


def add_session(
    store: PostgreSQLStore, session_id: str, *texts: str, owner: str = f"iam:{ALICE}", agent_id: str = "default"
) -> None:
    messages = [{"role": "user", "content": [{"text": text}]} for text in texts]
    add_messages(store, session_id, *(json.dumps(message) for message in messages), owner=owner, agent_id=agent_id)


def add_messages(
    store: PostgreSQLStore, session_id: str, *messages: str, owner: str = f"iam:{ALICE}", agent_id: str = "default"
) -> None:
    if store.sessions.read(owner, session_id) is None:
        store.sessions.create(owner, SessionRecord(session_id, "AGENT", NOW, NOW))
    store.agents.create(owner, session_id, AgentRecord(agent_id, "{}", "{}", "{}", NOW, NOW))
    for message_id, message in enumerate(messages):
        record = MessageRecord(message_id, message, None, NOW, NOW)
        store.messages.create(owner, session_id, agent_id, record, "Hello" if message_id == 0 else None)
