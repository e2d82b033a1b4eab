"""Every call of `Store`, its errors included."""

import uuid
from datetime import datetime
from typing import Literal

import pytest

from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    CursorNotFoundError,
    MessageNotFoundError,
    MessageOrderError,
    MultiAgentNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
)
from session_store.records import RunRequest
from session_store.store import Store
from tests.contract.records import CREATED_AT, UPDATED_AT, add_session, agent, message, session


def test_a_session_comes_back_as_it_was_created(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    assert store.sessions.read(owner, "s") == session()


def test_a_session_tells_its_messages_and_its_first_prompt(store: Store, owner: str) -> None:
    add_session(store, owner, "Hello", "there")
    stored = store.sessions.read(owner, "s")
    assert stored
    assert (stored.message_count, stored.preview) == (2, "Hello")
    assert datetime.fromisoformat(stored.updated_at) > datetime.fromisoformat(UPDATED_AT)


def test_a_session_is_created_once(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    with pytest.raises(AlreadyExistsError, match="session 's' already exists"):
        store.sessions.create(owner, session())


def test_what_does_not_exist_reads_as_none(store: Store, owner: str) -> None:
    assert store.sessions.read(owner, "s") is None
    assert store.agents.read(owner, "s", "default") is None
    assert store.messages.read(owner, "s", "default", 0) is None
    assert store.multi_agents.read(owner, "s", "graph") is None
    assert list(store.agents.list(owner, "s")) == []
    assert list(store.multi_agents.list(owner, "s")) == []
    store.sessions.create(owner, session())
    assert store.agents.read(owner, "s", "default") is None
    assert store.messages.read(owner, "s", "default", 0) is None
    assert store.multi_agents.read(owner, "s", "graph") is None


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_sessions_are_listed_newest_first_in_pages(store: Store, owner: str, limit: int) -> None:
    for number in range(5):
        add_session(store, owner, session_id=f"s{number}")
    page = store.sessions.list(owner, limit=limit)
    found = [*page.sessions]
    while page.next_cursor:
        page = store.sessions.list(owner, limit=limit, cursor=page.next_cursor)
        assert 0 < len(page.sessions) <= limit
        found += page.sessions
    assert [record.session_id for record in found] == ["s4", "s3", "s2", "s1", "s0"]
    assert found[0] == store.sessions.read(owner, "s4")


def test_no_sessions_are_listed_for_limit_0_and_for_nobody(store: Store, owner: str) -> None:
    assert list(store.sessions.list(owner).sessions) == []
    add_session(store, owner)
    assert list(store.sessions.list(owner, limit=0).sessions) == []


def test_a_cursor_of_another_owner_or_of_nobody_is_not_found(store: Store, owner: str) -> None:
    for number in range(2):
        add_session(store, owner, session_id=f"s{number}")
    cursor = store.sessions.list(owner, limit=1).next_cursor
    for asker, given in ((f"{owner}-other", cursor), (owner, "nonsense")):
        with pytest.raises(CursorNotFoundError):
            store.sessions.list(asker, cursor=given)


def test_deleting_one_session_leaves_the_one_whose_id_begins_like_it(store: Store, owner: str) -> None:
    for session_id in ("user-1", "user-10"):
        add_session(store, owner, "Hello", session_id=session_id)
    store.sessions.delete(owner, "user-1")
    assert store.sessions.read(owner, "user-1") is None
    assert len(store.messages.list(owner, "user-10", "default")) == 1
    with pytest.raises(SessionNotFoundError, match="session 'user-1' does not exist"):
        store.sessions.delete(owner, "user-1")


def test_an_agent_comes_back_as_it_was_created(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    created = agent(removed_message_count=3)
    store.agents.create(owner, "s", created)
    assert store.agents.read(owner, "s", "default") == created
    with pytest.raises(AlreadyExistsError, match="agent 'default'"):
        store.agents.create(owner, "s", created)
    with pytest.raises(SessionNotFoundError):
        store.agents.create(owner, "none", created)


def test_updating_an_agent_keeps_when_it_was_created(store: Store, owner: str) -> None:
    add_session(store, owner)
    changed = agent(state='{"k":2}')._replace(created_at="2030-01-01T00:00:00+00:00", updated_at="2030-01-02T00:00:00")
    store.agents.update(owner, "s", changed)
    assert store.agents.read(owner, "s", "default") == changed._replace(created_at=CREATED_AT)


def test_an_unknown_agent_is_not_updated(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    with pytest.raises(AgentNotFoundError, match="agent 'default'"):
        store.agents.update(owner, "s", agent())
    with pytest.raises(SessionNotFoundError):
        store.agents.update(owner, "none", agent())


def test_agents_are_listed_by_id(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    for agent_id in ("b", "a", "Z"):
        store.agents.create(owner, "s", agent(agent_id))
    assert [record.agent_id for record in store.agents.list(owner, "s")] == ["Z", "a", "b"]


def test_messages_come_back_in_order_from_any_position(store: Store, owner: str) -> None:
    add_session(store, owner, *"abcde")

    def ids(**position: object) -> list[int]:
        records = store.messages.list(owner, "s", "default", **position)  # pyright: ignore[reportArgumentType]
        return [record.message_id for record in records]

    assert ids() == [0, 1, 2, 3, 4]
    assert ids(from_message_id=3) == [3, 4]
    assert ids(from_message_id=5) == []
    assert ids(from_message_id=2**40) == []
    assert ids(limit=2) == [0, 1]
    assert ids(limit=2, from_message_id=1) == [1, 2]
    assert ids(limit=0) == []
    assert ids(order="desc") == [0]
    assert ids(order="desc", from_message_id=10**15) == [4, 3, 2, 1, 0]
    assert ids(order="desc", from_message_id=3, limit=2) == [3, 2]


def test_a_message_comes_back_as_it_was_created(store: Store, owner: str) -> None:
    add_session(store, owner, "first")
    assert store.messages.create(owner, "s", "default", message(1, "second"), None) == 1
    assert store.messages.read(owner, "s", "default", 1) == message(1, "second")
    assert [*store.messages.list(owner, "s", "default")] == [message(0, "first"), message(1, "second")]


def test_message_ids_are_dense(store: Store, owner: str) -> None:
    add_session(store, owner, "first")
    with pytest.raises(AlreadyExistsError, match="message 0 already exists"):
        store.messages.create(owner, "s", "default", message(0), "Hello")
    with pytest.raises(MessageOrderError, match="message_id 5 is not the next one, 1"):
        store.messages.create(owner, "s", "default", message(5), None)
    with pytest.raises(AgentNotFoundError):
        store.messages.create(owner, "s", "nobody", message(0), "Hello")
    with pytest.raises(SessionNotFoundError):
        store.messages.create(owner, "none", "default", message(0), "Hello")
    assert len(store.messages.list(owner, "s", "default")) == 1


def test_messages_of_an_unknown_agent_are_not_listed(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    for session_id in ("s", "none"):
        with pytest.raises(AgentNotFoundError):
            store.messages.list(owner, session_id, "default")
    store.agents.create(owner, "s", agent())
    assert list(store.messages.list(owner, "s", "default", limit=0)) == []


def test_a_message_and_the_preview_are_replaced(store: Store, owner: str) -> None:
    add_session(store, owner, "secret")
    body = message(0, "[gone]").message
    replacement = message(0)._replace(message=body, redact_message=body)
    store.messages.update(owner, "s", "default", replacement, "[gone]")
    assert store.messages.read(owner, "s", "default", 0) == replacement
    stored = store.sessions.read(owner, "s")
    assert stored
    assert stored.preview == "[gone]"


def test_an_unknown_message_is_not_replaced(store: Store, owner: str) -> None:
    add_session(store, owner, "first")
    with pytest.raises(MessageNotFoundError, match="message 1 does not exist"):
        store.messages.update(owner, "s", "default", message(1), None)
    with pytest.raises(SessionNotFoundError):
        store.messages.update(owner, "none", "default", message(0), "Hello")


def test_multi_agents_are_created_updated_and_listed(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    store.multi_agents.create(owner, "s", "graph", '{"id":"graph","n":1.0}')
    store.multi_agents.create(owner, "s", "swarm", "{}")
    assert store.multi_agents.read(owner, "s", "graph") == '{"id":"graph","n":1.0}'
    with pytest.raises(AlreadyExistsError, match="multi-agent 'graph'"):
        store.multi_agents.create(owner, "s", "graph", "{}")
    store.multi_agents.update(owner, "s", "graph", '{"n":1.00}')
    assert store.multi_agents.read(owner, "s", "graph") == '{"n":1.00}'
    listed = store.multi_agents.list(owner, "s")
    assert [(record.multi_agent_id, record.state) for record in listed] == [("graph", '{"n":1.00}'), ("swarm", "{}")]


def test_unknown_multi_agents_are_refused(store: Store, owner: str) -> None:
    with pytest.raises(SessionNotFoundError):
        store.multi_agents.create(owner, "none", "graph", "{}")
    store.sessions.create(owner, session())
    with pytest.raises(MultiAgentNotFoundError, match="multi-agent 'graph'"):
        store.multi_agents.update(owner, "s", "graph", "{}")


def test_another_owner_finds_and_changes_nothing(store: Store, owner: str) -> None:
    add_session(store, owner, "Hello")
    store.multi_agents.create(owner, "s", "graph", "{}")
    other = f"{owner}-other"
    assert store.sessions.read(other, "s") is None
    assert list(store.sessions.list(other).sessions) == []
    assert store.agents.read(other, "s", "default") is None
    assert store.messages.read(other, "s", "default", 0) is None
    assert store.multi_agents.read(other, "s", "graph") is None
    with pytest.raises(SessionNotFoundError):
        store.sessions.delete(other, "s")
    with pytest.raises(SessionNotFoundError):
        store.messages.update(other, "s", "default", message(0, "theirs"), "theirs")
    store.sessions.create(other, session())
    store.sessions.delete(other, "s")
    assert [*store.messages.list(owner, "s", "default")] == [message(0)]


def test_outside_a_run_every_write_is_refused_while_a_run_holds_the_session(store: Store, owner: str) -> None:
    add_session(store, owner, "Hello")
    store.multi_agents.create(owner, "s", "graph", "{}")
    run_id = str(uuid.uuid4())
    store.runs.begin(owner, RunRequest("s", "default", run_id, 60))
    writes = (
        lambda: store.agents.create(owner, "s", agent("other")),
        lambda: store.agents.update(owner, "s", agent()),
        lambda: store.messages.create(owner, "s", "default", message(1), None),
        lambda: store.messages.update(owner, "s", "default", message(0), "Hello"),
        lambda: store.multi_agents.create(owner, "s", "other", "{}"),
        lambda: store.multi_agents.update(owner, "s", "graph", "{}"),
    )
    for write in writes:
        with pytest.raises(SessionBusyError) as caught:
            write()
        assert caught.value.run_id == run_id
        assert 0 < caught.value.lease_seconds_left <= 60
    assert len(store.messages.list(owner, "s", "default")) == 1


def test_the_store_knows_how_long_a_round_trip_takes_and_counts_its_own(store: Store, owner: str) -> None:
    assert store.ping() > 0
    before = store.round_trips
    store.sessions.create(owner, session())
    assert store.round_trips == before + 1


@pytest.mark.parametrize(("order", "ids"), [("asc", [[1, 2], [3], [4]]), ("desc", [[4], [3, 2], [1, 0]])])
def test_a_page_ends_where_its_count_or_its_bytes_do(
    store: Store, owner: str, order: Literal["asc", "desc"], ids: list[list[int]]
) -> None:
    """The last message leaves no room for the one before it, which has room beside another one."""
    add_session(store, owner, "a", "b", "x" * 2_000_000, "x" * 1_900_000, "x" * 3_200_000)
    position: int | None = ids[0][0]
    for expected in ids:
        assert position is not None
        page = store.messages.page(owner, "s", "default", from_message_id=position, limit=2, order=order)
        assert [each.message_id for each in page.messages] == expected
        position = page.next_message_id
    assert position is None


def test_a_page_behind_the_last_message_is_empty(store: Store, owner: str) -> None:
    add_session(store, owner, "a")
    assert store.messages.page(owner, "s", "default", from_message_id=1, limit=2) == ([], None)
