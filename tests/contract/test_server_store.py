"""What `ServerStore` has beyond `Store`: pages by number, deletions, expiry."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    MessageNotFoundError,
    MessageOrderError,
    SessionBusyError,
    SessionNotFoundError,
)
from session_store.postgresql import PostgreSQLStore
from session_store.records import MultiAgentRecord, OmittedMessage
from session_store.server_store import ServerStore
from session_store.settings import StoreSettings
from tests.contract.records import CREATED_AT, UPDATED_AT, add_session, agent, message, session
from tests.contract.runs import begin, commit, expire_lease, request
from tests.contract.transport import Transport

GRAPH = MultiAgentRecord("graph", '{"id":"graph","n":1.0}')


@pytest.fixture
def transport(contract_database_url: str) -> Transport:
    return Transport(contract_database_url, contract_database_url)


@pytest.fixture
def store(contract_database_url: str) -> Iterator[ServerStore]:
    opened: ServerStore = PostgreSQLStore(StoreSettings(url=contract_database_url))
    yield opened
    opened.close()


def age_sessions(transport: Transport, owner: str) -> None:
    update = "UPDATE sessions SET updated_at = updated_at - interval '1000 days' WHERE owner = %s RETURNING 1"
    transport.rows(update, owner)


def age_runs(transport: Transport, owner: str) -> None:
    """Without their sessions: those that a lease protects would be another test's to expire, once it has run out."""
    update = "UPDATE runs SET started_at = started_at - interval '1000 days' WHERE owner = %s RETURNING 1"
    transport.rows(update, owner)


def test_a_session_is_created_with_its_multi_agent_or_not_at_all(store: ServerStore, owner: str) -> None:
    store.sessions.create(owner, session(), GRAPH)
    assert store.multi_agents.read(owner, "s", "graph") == GRAPH.state
    with pytest.raises(AlreadyExistsError):
        store.sessions.create(owner, session(), MultiAgentRecord("other", "{}"))
    assert [record.multi_agent_id for record in store.multi_agents.list(owner, "s")] == ["graph"]


def test_updating_a_session_stores_its_multi_agent_and_leaves_what_is_not_given(store: ServerStore, owner: str) -> None:
    store.sessions.create(owner, session())
    before = datetime.now(UTC)
    for state in ("{}", GRAPH.state):
        store.sessions.update(owner, "s", "AGENT", MultiAgentRecord("graph", state))
    store.sessions.update(owner, "s", "AGENT", None)
    assert store.multi_agents.read(owner, "s", "graph") == GRAPH.state
    stored = store.sessions.read(owner, "s")
    assert stored
    assert datetime.fromisoformat(stored.updated_at) >= before
    with pytest.raises(SessionNotFoundError):
        store.sessions.update(owner, "none", "AGENT", None)


def test_sessions_are_counted_and_paged_by_number_newest_first(store: ServerStore, owner: str) -> None:
    assert (store.sessions.count(owner), list(store.sessions.page(owner, limit=2, offset=0))) == (0, [])
    for number in range(5):
        add_session(store, owner, session_id=f"s{number}")
    assert store.sessions.count(owner) == 5
    pages = [store.sessions.page(owner, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[record.session_id for record in page] for page in pages] == [["s4", "s3"], ["s2", "s1"], ["s0"], []]
    assert pages[0] == store.sessions.list(owner, limit=2).sessions


def test_agents_are_counted_and_paged(store: ServerStore, owner: str) -> None:
    assert store.agents.count(owner, "s") is None
    store.sessions.create(owner, session())
    assert store.agents.count(owner, "s") == 0
    for agent_id in "bca":
        store.agents.create(owner, "s", agent(agent_id))
    assert store.agents.count(owner, "s") == 3
    assert [record.agent_id for record in store.agents.list(owner, "s", limit=2, offset=1)] == ["b", "c"]


def test_an_agent_goes_with_its_messages_and_leaves_the_others(store: ServerStore, owner: str) -> None:
    add_session(store, owner, "Hello")
    store.agents.create(owner, "s", agent("other"))
    store.messages.create(owner, "s", "other", message(0), None)
    store.agents.delete(owner, "s", "default")
    assert [record.agent_id for record in store.agents.list(owner, "s")] == ["other"]
    assert store.messages.count(owner, "s", "other") == 1
    with pytest.raises(AgentNotFoundError):
        store.agents.delete(owner, "s", "default")
    with pytest.raises(SessionNotFoundError):
        store.agents.delete(owner, "none", "default")


def test_messages_are_counted_and_deleted_from_the_last_one(store: ServerStore, owner: str) -> None:
    add_session(store, owner, "Hello", "there")
    assert store.messages.count(owner, "s", "default") == 2
    with pytest.raises(MessageOrderError, match="message_id 0 is not the last one, 1"):
        store.messages.delete_last(owner, "s", "default", 0)
    for missing in (2, 7):
        with pytest.raises(MessageNotFoundError):
            store.messages.delete_last(owner, "s", "default", missing)
    store.messages.delete_last(owner, "s", "default", 1)
    store.messages.delete_last(owner, "s", "default", 0)
    assert store.messages.count(owner, "s", "default") == 0
    stored = store.sessions.read(owner, "s")
    assert stored
    assert (stored.message_count, stored.preview) == (0, "")
    with pytest.raises(AgentNotFoundError):
        store.messages.count(owner, "s", "none")
    with pytest.raises(SessionNotFoundError):
        store.messages.delete_last(owner, "none", "default", 0)


def test_the_newest_multi_agent_is_the_one_stored_last(store: ServerStore, owner: str) -> None:
    store.sessions.create(owner, session())
    assert store.multi_agents.newest(owner, "s") is None
    for multi_agent_id in ("a", "b"):
        store.multi_agents.create(owner, "s", multi_agent_id, f'"{multi_agent_id}"')
    assert store.multi_agents.newest(owner, "s") == '"b"'
    store.multi_agents.update(owner, "s", "a", '"a again"')
    assert store.multi_agents.newest(owner, "s") == '"a again"'


def test_none_of_it_reaches_another_owners_rows(store: ServerStore, owner: str) -> None:
    add_session(store, owner, "Hello")
    other = f"{owner}-other"
    assert (store.sessions.count(other), store.agents.count(other, "s")) == (0, None)
    assert store.multi_agents.newest(other, "s") is None
    for call in (
        lambda: store.sessions.update(other, "s", "AGENT", GRAPH),
        lambda: store.agents.delete(other, "s", "default"),
        lambda: store.messages.delete_last(other, "s", "default", 0),
    ):
        with pytest.raises(SessionNotFoundError):
            call()
    with pytest.raises(AgentNotFoundError):
        store.messages.count(other, "s", "default")
    assert store.messages.count(owner, "s", "default") == 1


def test_a_run_that_holds_the_session_keeps_every_change_out(store: ServerStore, owner: str) -> None:
    add_session(store, owner, "Hello")
    begin(store, owner, request())
    for call in (
        lambda: store.sessions.update(owner, "s", "AGENT", GRAPH),
        lambda: store.agents.delete(owner, "s", "default"),
        lambda: store.messages.delete_last(owner, "s", "default", 0),
    ):
        with pytest.raises(SessionBusyError):
            call()
    assert store.multi_agents.list(owner, "s") == []
    assert store.messages.count(owner, "s", "default") == 1


def test_sessions_without_activity_expire_in_batches_unless_a_run_holds_them(
    store: ServerStore, transport: Transport, owner: str
) -> None:
    list(store.sessions.expire(None))  # what deletions in other tests of this database left to it
    for number in range(5):
        add_session(store, owner, session_id=f"s{number}")
    held = request("s4")
    begin(store, owner, held)
    age_sessions(transport, owner)
    add_session(store, owner, session_id="fresh")
    assert list(store.sessions.expire(999, batch_size=2)) == [2, 2, 0]
    assert [record.session_id for record in store.sessions.list(owner).sessions] == ["fresh", "s4"]
    expire_lease(transport, held)
    assert list(store.sessions.expire(999)) == [1]


def test_old_runs_expire_and_their_sessions_stay(store: ServerStore, transport: Transport, owner: str) -> None:
    ended, held = request("one"), request("two")
    for asked in (ended, held):
        begin(store, owner, asked)
    store.runs.write(owner, commit(ended))
    age_runs(transport, owner)
    fresh = request("one")
    begin(store, owner, fresh)
    assert list(store.runs.expire(999 * 24)) == [1]
    assert [store.runs.read(owner, asked.run_id).status for asked in (held, fresh)] == ["running", "running"]
    assert store.sessions.count(owner) == 2


def test_of_a_message_too_large_for_any_page_there_is_its_size(
    store: ServerStore, transport: Transport, owner: str
) -> None:
    add_session(store, owner, "a", "b", "c", "d")
    transport.rows(
        """
        UPDATE messages m
        SET message = large, redact_message = CASE message_id WHEN 2 THEN large END
        FROM sessions s, to_json(repeat('x', 33000000)) AS large
        WHERE s.owner = %s AND m.session_key = s.session_key AND message_id IN (1, 2)
        RETURNING 1
        """,
        owner,
    )
    page = store.messages.page(owner, "s", "default", limit=3)
    times = CREATED_AT, UPDATED_AT
    omitted = OmittedMessage(1, 33_000_002, False, *times), OmittedMessage(2, 66_000_004, True, *times)
    assert page == ([message(0, "a"), *omitted], 3)
