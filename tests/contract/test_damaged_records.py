"""What is stored and cannot be restored costs its own record: the run names it, and the session stays usable."""

import pytest
from strands.types.session import SessionMessage

from session_store.errors import AgentNotFoundError, DamagedRecordError
from session_store.repository import PostgreSQLSessionRepository
from session_store.store import Store
from tests.contract.records import add_session, agent
from tests.contract.transport import Transport
from tests.support.scripted_model import ScriptedModel


def damage(transport: Transport, owner: str, table: str, column: str, text: str) -> None:
    """As an older version, or another hand, may have left it."""
    assert transport.rows(
        f"UPDATE {table} SET {column} = %s FROM sessions s"  # noqa: S608
        f" WHERE s.session_key = {table}.session_key AND s.owner = %s RETURNING 1",
        text,
        transport.owner_prefix + owner,
    )


def take_turn(repository: PostgreSQLSessionRepository) -> None:
    from strands import Agent

    with repository.run("s") as run:
        agent = Agent(model=ScriptedModel("answer"), session_manager=run.session_manager, callback_handler=None)
        agent("Hello again")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"role":"assistant","content":[{"toolUse":5}]}', "toolUse"),
        ('{"role":"assistant","content":[{"text":' + "[" * 5_000 + "]" * 5_000 + "}]}", "deep"),
        ("5", "content|object"),
    ],
    ids=["a block", "its depth", "all of it"],
)
def test_a_damaged_message_is_named_and_may_be_replaced(
    transport: Transport, store: Store, owner: str, repository: PostgreSQLSessionRepository, body: str, words: str
) -> None:
    add_session(store, owner, "Hello")
    damage(transport, owner, "messages", "message", body)
    for _ in range(2):  # its lease was given back
        with pytest.raises(DamagedRecordError, match=words) as refusal:
            take_turn(repository)
        assert (refusal.value.kind, refusal.value.identifier) == ("message", 0)
    whole = SessionMessage.from_message({"role": "user", "content": [{"text": "Hello"}]}, 0)
    repository.update_message("s", "default", whole)
    take_turn(repository)
    assert len(repository.list_messages("s", "default")) == 4


def test_a_damaged_agent_is_named_and_may_be_replaced(
    transport: Transport, store: Store, owner: str, repository: PostgreSQLSessionRepository
) -> None:
    add_session(store, owner, "Hello")
    damage(transport, owner, "agents", "internal_state", '{"interrupt_state":{"activated":true,"interrupts":{"a":5}}}')
    for _ in range(2):
        with pytest.raises(DamagedRecordError, match="interrupt_state") as refusal:
            take_turn(repository)
        assert (refusal.value.kind, refusal.value.identifier) == ("agent", "default")
    store.agents.update(owner, "s", agent())
    take_turn(repository)


def test_a_turn_that_broke_off_is_closed_once_its_last_message_was_repaired(
    transport: Transport, store: Store, owner: str, repository: PostgreSQLSessionRepository
) -> None:
    add_session(store, owner, "Hello")
    damage(transport, owner, "agents", "internal_state", '{"session_store.open_turn":true,"interrupt_state":{}}')
    damage(transport, owner, "messages", "message", '{"role":"user","content":[5]}')
    with pytest.raises(DamagedRecordError):
        take_turn(repository)
    repository.update_message("s", "default", SessionMessage.from_message({"role": "user", "content": []}, 0))
    take_turn(repository)
    roles = [message.to_message()["role"] for message in repository.list_messages("s", "default")]
    assert roles == ["user", "assistant", "user", "assistant"]


def test_a_missing_agent_is_no_damaged_one(store: Store, owner: str) -> None:
    add_session(store, owner)
    with pytest.raises(AgentNotFoundError):
        store.messages.list(owner, "s", "other")
