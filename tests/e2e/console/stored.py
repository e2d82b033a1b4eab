"""Conversations that are in the database before the page is opened."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from session_store.encoding import encode
from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.settings import StoreSettings

TIME = "2026-11-22T10:00:00+00:00"


def store_conversation(database_url: str, owner: str, session_id: str, answers: Sequence[str]) -> None:
    said = [said for answer in answers for said in (("user", "question"), ("assistant", answer))]
    messages = [{"role": role, "content": [{"text": text}]} for role, text in said]
    with open_store(database_url) as store:
        store_messages(store, owner, session_id, messages)


def store_messages(store: PostgreSQLStore, owner: str, session_id: str, messages: Sequence[dict[str, Any]]) -> None:
    """Messages as Strands has them."""
    store.sessions.create(owner, SessionRecord(session_id, "AGENT", TIME, TIME))
    store.agents.create(owner, session_id, AgentRecord("default", "{}", "{}", "{}", TIME, TIME))
    for message_id, message in enumerate(messages):
        record = MessageRecord(message_id, encode("message", message), None, TIME, TIME)
        store.messages.create(owner, session_id, "default", record, "question")


@contextlib.contextmanager
def open_store(database_url: str) -> Iterator[PostgreSQLStore]:
    with contextlib.closing(PostgreSQLStore(StoreSettings(url=database_url, search="messages"))) as store:
        yield store
