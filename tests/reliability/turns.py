"""Turns of a real agent with a scripted model, and what must hold of the history they leave."""

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager
from strands.models.model import Model
from strands.session.session_manager import SessionManager

from session_store.encoding import decode
from session_store.errors import SessionBusyError
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.store import Store
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import wait_until

OWNER = "default"


@tool
def work() -> str:
    """Works."""
    return "worked"


def agent_of(session_manager: SessionManager, model: Model, tools: Sequence[Any] = (), **options: Any) -> Agent:
    options.setdefault("conversation_manager", NullConversationManager())
    return Agent(model=model, tools=list(tools), session_manager=session_manager, callback_handler=None, **options)


def hold_turn(
    repository: PostgreSQLSessionRepository, session_id: str, prompt: str, *script: Any, tools: Sequence[Any] = ()
) -> str:
    """One acknowledged turn; its run id."""
    with repository.run(session_id) as run:
        agent_of(run.session_manager, ScriptedModel(*(script or (f"answer to {prompt}",))), tools)(prompt)
    return run.run_id


def hold_turn_when_free(repository: PostgreSQLSessionRepository, session_id: str, prompt: str, *script: Any) -> str:
    """A turn that waits for a lease to run out."""
    with run_when_free(repository, session_id) as run:
        agent_of(run.session_manager, ScriptedModel(*(script or (f"answer to {prompt}",))))(prompt)
    return run.run_id


@contextmanager
def run_when_free(repository: PostgreSQLSessionRepository, session_id: str) -> Generator[Run]:
    """A run that waits for a lease to run out, for at most half a minute."""
    until = time.monotonic() + 30
    while True:
        run = repository.run(session_id)
        try:
            run.__enter__()
            break
        except SessionBusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
    with ExitStack() as block:
        block.push(run.__exit__)
        yield run


def history(store: Store, session_id: str, agent_id: str = "default") -> list[dict[str, Any]]:
    """What is stored, with its ids checked to be dense from 0."""
    records = store.messages.list(OWNER, session_id, agent_id)
    assert [record.message_id for record in records] == list(range(len(records)))
    return [decode(record.redact_message or record.message) for record in records]


def texts(messages: Sequence[dict[str, Any]]) -> list[str]:
    return [block["text"] for message in messages for block in message["content"] if "text" in block]


def assert_valid(messages: Sequence[dict[str, Any]]) -> None:
    """Providers refuse anything else: roles alternate from the user's, and each request has its result behind it."""
    roles = [message["role"] for message in messages]
    assert roles == ["user" if number % 2 == 0 else "assistant" for number in range(len(roles))], roles
    asked: list[str] = []
    for message in messages:
        answered = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        assert answered == asked, messages
        asked = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
    assert not asked, "the last request has no result"


def assert_closed(messages: Sequence[dict[str, Any]]) -> None:
    assert_valid(messages)
    assert not messages or messages[-1]["role"] == "assistant", messages


def wait_until_blocked(watch: "psycopg.Connection[Any]", count: int = 1) -> None:
    """Until so many statements of the watcher's database wait for a lock."""
    wait_until(lambda: _blocked(watch) >= count)


def _blocked(watch: "psycopg.Connection[Any]") -> int:
    row = watch.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return row[0] if row else 0


def stored_texts(repository: PostgreSQLSessionRepository, session_id: str = "user-123") -> list[str]:
    messages = history(repository.store, session_id)
    assert_closed(messages)
    return texts(messages)
