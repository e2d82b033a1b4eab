"""Conversations that are in the database before the page is opened."""

import contextlib
import json
from collections.abc import Sequence

from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.settings import StoreSettings

TIME = "2026-11-22T10:00:00+00:00"


def store_conversation(database_url: str, owner: str, session_id: str, answers: Sequence[str]) -> None:
    with contextlib.closing(PostgreSQLStore(StoreSettings(url=database_url))) as store:
        store.sessions.create(owner, SessionRecord(session_id, "AGENT", TIME, TIME))
        store.agents.create(owner, session_id, AgentRecord("default", "{}", "{}", "{}", TIME, TIME))
        said = [said for answer in answers for said in (("user", "question"), ("assistant", answer))]
        for message_id, (role, text) in enumerate(said):
            message = json.dumps({"role": role, "content": [{"text": text}]})
            record = MessageRecord(message_id, message, None, TIME, TIME)
            store.messages.create(owner, session_id, "default", record, "question")
