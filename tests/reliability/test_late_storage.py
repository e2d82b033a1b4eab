"""Values and memories whose writes arrive when their client has given them up."""

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from session_store.errors import StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.records import NewMemory, SessionRecord, ValueWrite
from session_store.settings import StoreSettings
from tests.reliability.chaos import Chaos
from tests.reliability.chaos_proxy import ChaosProxy

NOW = "2026-11-26T10:00:00+00:00"
FREE, OF_SESSION = "notes/a", "context/user-123/a"
Step = Callable[[PostgreSQLStore, str, str], object]
MemoryStep = Callable[[PostgreSQLStore, str], object]


@pytest.fixture(scope="module")
def network(shared_database_url: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(shared_database_url, Chaos(late_seconds=(600, 600))) as proxy:
        yield proxy


@pytest.fixture
def store(shared_database_url: str) -> Iterator[PostgreSQLStore]:
    with closing(PostgreSQLStore(StoreSettings(url=shared_database_url))) as store:
        yield store


def write(store: PostgreSQLStore, owner: str, key: str, data: bytes | None = b"newer") -> None:
    store.values.write(owner, ValueWrite(key, data))


def delete(store: PostgreSQLStore, owner: str, key: str) -> None:
    write(store, owner, key, None)


def delete_session(store: PostgreSQLStore, owner: str, key: str) -> None:
    store.sessions.delete(owner, "user-123")


@pytest.mark.parametrize("late", [b"late", None], ids=["a write", "a deletion"])
@pytest.mark.parametrize(
    ("key", "step"),
    [(FREE, write), (FREE, delete), (OF_SESSION, write), (OF_SESSION, delete), (OF_SESSION, delete_session)],
    ids=["written", "deleted", "written in its session", "deleted in its session", "its session deleted"],
)
def test_what_comes_late_undoes_nothing(
    network: ChaosProxy,
    store: PostgreSQLStore,
    key: str,
    step: Step,
    late: bytes | None,
    request: pytest.FixtureRequest,
) -> None:
    owner = request.node.name
    store.sessions.create(owner, SessionRecord("user-123", "AGENT", NOW, NOW))
    write(store, owner, key, b"before")
    for _ in range(2):
        network.plan("deliver late", b"write_value")
    with (
        closing(PostgreSQLStore(StoreSettings(url=network.url))) as client,
        pytest.raises(StoreUnavailableError),
    ):
        write(client, owner, key, late)
    step(store, owner, key)
    known = store.values.read(owner, key)
    assert known == (b"newer" if step is write else None)
    assert network.deliver() == 2
    assert store.values.read(owner, key) == known
    assert store.values.list(owner, "") == ([key] if known else [])


def test_an_import_that_comes_late_brings_no_deleted_session_back(network: ChaosProxy, store: PostgreSQLStore) -> None:
    whole = SessionRecord("imported", "AGENT", NOW, NOW)
    for _ in range(2):
        network.plan("deliver late", b"with_multi_agents")
    with (
        closing(PostgreSQLStore(StoreSettings(url=network.url))) as client,
        pytest.raises(StoreUnavailableError),
    ):
        client.imports.create("importer", whole, [], [], [])
    assert store.imports.create("importer", whole, [], [], [])
    store.sessions.delete("importer", "imported")
    assert network.deliver() == 2
    assert store.sessions.read("importer", "imported") is None


def test_a_deleted_value_can_be_written_again_and_leaves_nothing_for_long(
    store: PostgreSQLStore, shared_database_url: str
) -> None:
    for data in (b"x" * 2_500_000, None, b"again", None):
        write(store, "owner", FREE, data)
        assert store.values.read("owner", FREE) == data
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE stored_values SET updated_at = now() - interval '11 minutes' WHERE owner = 'owner'")
    delete(store, "owner", "another")
    with psycopg.connect(shared_database_url) as connection:
        keys = connection.execute("SELECT key FROM stored_values WHERE owner = 'owner'").fetchall()
    assert keys == [("another",)]


def test_a_client_with_a_wrong_clock_writes_all_the_same(store: PostgreSQLStore) -> None:
    for number, skew_seconds in enumerate((-40, 40)):
        write(store, "skewed", FREE, b"before")
        store._database._clock.learn(store._database._clock.now() + skew_seconds)
        write(store, "skewed", FREE, b"%d" % number)
        assert store.values.read("skewed", FREE) == b"%d" % number


def remember(store: PostgreSQLStore, owner: str, by: str = "newer") -> None:
    store.memories.add(owner, "memories", "english", [NewMemory("tea", "likes tea", f'{{"by": "{by}"}}', None, None)])


def forget(store: PostgreSQLStore, owner: str) -> None:
    for memory in store.memories.list(owner).memories:
        store.memories.delete(owner, memory.memory_id)


def forget_all(store: PostgreSQLStore, owner: str) -> None:
    store.memories.delete_all(owner)


@pytest.mark.parametrize(
    ("late", "mark"),
    [
        (lambda store, owner: remember(store, owner, "late"), b"INSERT INTO memories"),
        (forget, b"delete_memories"),
        (forget_all, b"delete_memories"),
    ],
    ids=["added", "forgotten", "all forgotten"],
)
@pytest.mark.parametrize("step", [remember, forget, forget_all], ids=["added", "forgotten", "all forgotten"])
def test_of_memories_too(
    network: ChaosProxy,
    store: PostgreSQLStore,
    late: MemoryStep,
    mark: bytes,
    step: MemoryStep,
    request: pytest.FixtureRequest,
) -> None:
    owner = request.node.name
    remember(store, owner, "before")
    for _ in range(2):
        network.plan("deliver late", mark)
    with (
        closing(PostgreSQLStore(StoreSettings(url=network.url))) as client,
        pytest.raises(StoreUnavailableError),
    ):
        late(client, owner)
    step(store, owner)
    known = [memory.metadata for memory in store.memories.list(owner).memories]
    assert known == (['{"by": "newer"}'] if step is remember else [])
    assert network.deliver() == 2
    assert [memory.metadata for memory in store.memories.list(owner).memories] == known


def test_memories_of_a_client_with_a_wrong_clock_come_and_go(store: PostgreSQLStore) -> None:
    clock = store._database._clock
    for skew_seconds in (-40, 40):
        remember(store, "skewed", "before")
        clock.learn(clock.now() + skew_seconds)
        remember(store, "skewed")
        assert [memory.metadata for memory in store.memories.list("skewed").memories] == ['{"by": "newer"}']
        clock.learn(clock.now() + skew_seconds)
        forget_all(store, "skewed")
        assert store.memories.list("skewed").memories == []
