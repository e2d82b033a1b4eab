"""A write that was stored although nobody heard of it, and what others do before it is tried again."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from session_store.errors import SessionNotFoundError, StoreUnavailableError
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.store import Store
from tests.reliability.turns import OWNER, agent_of, assert_closed, history, hold_turn, texts, work
from tests.reliability.wire import WireProxy
from tests.support.scripted_model import ScriptedModel, UseTool

NOW = "2026-11-22T10:00:00+00:00"
AGENT = AgentRecord("default", "{}", "{}", "{}", NOW, NOW)
MESSAGE = MessageRecord(0, '{"role":"user","content":[{"text":"Hello"}]}', None, NOW, NOW)


def leave_open_turn(store: Store, session_id: str) -> None:
    """As a process leaves it that is killed in its tool."""
    request = {"toolUse": {"toolUseId": "t", "name": "work", "input": {}}}
    store.sessions.create(OWNER, SessionRecord(session_id, "AGENT", NOW, NOW))
    store.agents.create(OWNER, session_id, AGENT)
    store.messages.create(OWNER, session_id, "default", MESSAGE, "Hello")
    body = json.dumps({"role": "assistant", "content": [request]})
    store.messages.create(OWNER, session_id, "default", MessageRecord(1, body, None, NOW, NOW), None)


def test_a_flush_that_was_stored_unheard_keeps_its_messages_counted(
    wired: PostgreSQLSessionRepository, wire: WireProxy
) -> None:
    """The failed run closes the turn that it found open, as far as it knows after that turn's own messages."""

    def request(messages: Any) -> UseTool:
        wire.cut_once("append_messages_v1(", "before its answer")
        wire.cut_next_connection()
        return UseTool("work", {})

    leave_open_turn(wired.store, "user-123")
    with pytest.raises(Exception, match="does not answer") as failure, wired.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel(request), [work])("again")
    assert isinstance(getattr(failure.value, "original_exception", failure.value), StoreUnavailableError)
    stored = wired.store.agents.read(OWNER, "user-123", "default")
    assert stored is not None
    assert stored.message_count == len(history(wired.store, "user-123"))
    hold_turn(wired, "user-123", "after")
    messages = history(wired.store, "user-123")
    assert_closed(messages)
    assert texts(messages)[-2:] == ["after", "answer to after"]


CREATIONS: dict[str, Callable[[Store], object]] = {
    "agents": lambda store: store.agents.create(OWNER, "bare", AGENT),
    "messages": lambda store: store.messages.create(OWNER, "bare", "default", MESSAGE, "Hello"),
    "multi_agents": lambda store: store.multi_agents.create(OWNER, "bare", "graph", "{}"),
}


@pytest.mark.parametrize("table", CREATIONS)
def test_a_creation_that_was_stored_unheard_is_not_refused_for_the_run_that_came_after_it(
    wired: PostgreSQLSessionRepository, wire: WireProxy, watch: "psycopg.Connection[Any]", table: str
) -> None:
    store = wired.store
    store.sessions.create(OWNER, SessionRecord("bare", "AGENT", NOW, NOW))
    if table == "messages":
        store.agents.create(OWNER, "bare", AGENT)
    follow(watch, table, "UPDATE sessions SET run_id = gen_random_uuid(), lease_until = now() + interval '1 min'")
    wire.cut_once(f"INSERT INTO {table}", "before its answer")
    assert CREATIONS[table](store) in (None, 0)
    assert wire.cuts == 1


def test_a_message_that_was_stored_unheard_and_then_deleted_says_so(
    wired: PostgreSQLSessionRepository, wire: WireProxy, watch: "psycopg.Connection[Any]"
) -> None:
    store = wired.store
    store.sessions.create(OWNER, SessionRecord("bare", "AGENT", NOW, NOW))
    store.agents.create(OWNER, "bare", AGENT)
    follow(watch, "messages", "DELETE FROM sessions")
    wire.cut_once("INSERT INTO messages", "before its answer")
    with pytest.raises(SessionNotFoundError):
        CREATIONS["messages"](store)


def follow(watch: "psycopg.Connection[Any]", table: str, statement: str) -> None:
    """What another process does as soon as a row is stored, so that the second try always comes after it."""
    watch.execute(
        f"""
        CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER follow AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION follow()
        """  # type: ignore[arg-type]
    )
