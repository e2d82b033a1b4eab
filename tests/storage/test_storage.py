"""`PostgreSQLStorage` outside a run: what Strands expects of any backend, and what PostgreSQL adds."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from strands.storage import InMemoryStorage, Storage
from strands.types.exceptions import StorageError

from session_store import ConfigurationError, InvalidInputError, PostgreSQLStorage, SessionBusyError, StoreSettings
from session_store.http import HttpStore
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository

MakeStorage = Callable[..., PostgreSQLStorage]


@pytest.fixture
def make_storage(module_store: PostgreSQLStore, owner: str) -> MakeStorage:
    return lambda **options: PostgreSQLStorage(store=module_store, **{"owner": owner, **options})


@pytest.fixture
def storage(make_storage: MakeStorage) -> PostgreSQLStorage:
    return make_storage()


def test_it_is_a_storage_of_strands(storage: PostgreSQLStorage) -> None:
    assert isinstance(storage, Storage)


@pytest.mark.parametrize("size", [0, 1, 1_000_000, 1_000_001, 3_400_000])
def test_bytes_come_back_as_they_were_whatever_their_number(storage: PostgreSQLStorage, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)

    async def write_and_read() -> bytes | None:
        await storage.write("a/b.bin", data)
        return await storage.read("a/b.bin")

    assert asyncio.run(write_and_read()) == data


def test_a_shorter_value_replaces_a_longer_one_whole(storage: PostgreSQLStorage) -> None:
    async def replace() -> bytes | None:
        await storage.write("key", b"x" * 2_500_000)
        await storage.write("key", b"short")
        return await storage.read("key")

    assert asyncio.run(replace()) == b"short"


def test_it_answers_as_strands_own_backend_does(storage: PostgreSQLStorage) -> None:
    async def script(backend: "PostgreSQLStorage | InMemoryStorage") -> list[object]:
        said: list[object] = [await backend.read("missing"), await backend.list(""), await backend.delete("missing")]
        for key in ("b/2.md", "/a//1.md/", "a/1/deep.txt", "ä/ü.md", "ab"):
            await backend.write(key, f"the value of {key} likes tea".encode())
        said += [await backend.list(""), await backend.list("a"), await backend.list("a/"), await backend.list("//a")]
        said += [await backend.read("a/1.md"), await backend.read("a"), await backend.read("b/2")]
        await backend.delete("b/2.md")
        said += [await backend.list("b"), await backend.read("b/2.md")]
        scoped = backend.namespace("a/")
        said += [await scoped.list(""), await scoped.read("1.md"), await scoped.namespace("1").list("")]
        await scoped.write("new", b"by the view")
        said += [await backend.read("a/new"), await scoped.search("who likes tea"), await scoped.search("the")]
        return said

    assert asyncio.run(script(storage)) == asyncio.run(script(InMemoryStorage()))


def test_search_reads_on_beyond_one_page_and_gives_the_best_first(storage: PostgreSQLStorage) -> None:
    async def search() -> list[str]:
        for number in range(150):
            await storage.write(f"notes/{number:03}.md", b"about coffee" if number != 149 else b"about green tea")
        found = await storage.search("green tea or coffee?")
        assert len(found) == 150
        return [result.key for result in found[:1]]

    assert asyncio.run(search()) == ["notes/149.md"]


@pytest.mark.parametrize("key", ["", "/", "../x", "a/../b", "a\\b", "x" * 1025, "ü" * 513, "nul\0", "lone \ud800"])
def test_a_key_that_is_none_is_refused_by_name(storage: PostgreSQLStorage, key: str) -> None:
    for call in (storage.write(key, b""), storage.read(key), storage.delete(key)):
        with pytest.raises(StorageError, match="key") as refused:
            asyncio.run(call)
        assert isinstance(refused.value, InvalidInputError)


def test_a_namespace_makes_no_key_too_long(storage: PostgreSQLStorage) -> None:
    asyncio.run(storage.write("x" * 1024, b"fits"))
    with pytest.raises(StorageError, match="at most 1024 bytes"):
        asyncio.run(storage.namespace("team").write("x" * 1020, b"does not"))


def test_a_value_over_100_megabytes_is_refused_by_its_key(storage: PostgreSQLStorage) -> None:
    with pytest.raises(StorageError, match="big/one has 100000001 bytes"):
        asyncio.run(storage.write("big/one", bytes(100_000_001)))


def test_another_owner_sees_nothing(storage: PostgreSQLStorage, make_storage: MakeStorage) -> None:
    other = make_storage(owner="somebody else")

    async def look() -> tuple[object, ...]:
        await storage.write("secret", b"mine")
        await other.delete("secret")
        return (
            await other.read("secret"),
            await other.list(""),
            await other.search("secret"),
            await storage.read("secret"),
        )

    assert asyncio.run(look()) == (None, [], [], b"mine")


def test_the_longest_namespace_decides_how_long_a_value_is_kept(
    make_storage: MakeStorage, module_store: PostgreSQLStore, shared_database_url: str, owner: str
) -> None:
    storage = make_storage(ttl_seconds={"context": 3600, "context/brief": 0.001})

    async def script() -> list[object]:
        for key in ("context/brief/a", "context/long/b", "contexts/c"):
            await storage.write(key, b"value " * 300_000)
        await asyncio.sleep(0.01)
        return [await storage.list(""), await storage.read("context/brief/a"), len(await storage.search("value"))]

    assert asyncio.run(script()) == [["context/long/b", "contexts/c"], None, 2]
    assert sum(module_store.values.expire(batch_size=1)) == 2  # the two chunks of the one that is past its time
    with psycopg.connect(shared_database_url) as connection:
        rows = connection.execute(
            "SELECT key, expires_at > now() FROM stored_values WHERE owner = %s AND chunk_number = 0", (owner,)
        )
        assert sorted(rows.fetchall()) == [("context/long/b", True), ("contexts/c", None)]


def test_a_session_that_a_run_holds_is_not_written_around(
    storage: PostgreSQLStorage, module_store: PostgreSQLStore, owner: str
) -> None:
    repository = PostgreSQLSessionRepository(store=module_store, owner=owner)
    with repository.run("user-123"):
        for key in ("session/user-123/scopes/x", "context/user-123/y"):
            with pytest.raises(SessionBusyError) as refused:
                asyncio.run(storage.write(key, b"stale"))
            assert isinstance(refused.value, StorageError)
            with pytest.raises(SessionBusyError):
                asyncio.run(storage.delete(key))
        asyncio.run(storage.write("session/user-1234/x", b"of another session"))
        asyncio.run(storage.write("notes/user-123/y", b"of no session"))
    asyncio.run(storage.write("session/user-123/scopes/x", b"after it"))
    assert asyncio.run(storage.list("session/user-123/")) == ["session/user-123/scopes/x"]


def test_what_belongs_to_a_session_is_deleted_with_it_and_nothing_else(
    storage: PostgreSQLStorage, module_store: PostgreSQLStore, owner: str
) -> None:
    repository = PostgreSQLSessionRepository(store=module_store, owner=owner)
    with repository.run("user-123"):
        pass
    for key in ("session/user-123/a", "context/user-123/b", "session/other/c", "notes/user-123/d"):
        asyncio.run(storage.write(key, b"value"))
    repository.delete_session("user-123")
    assert asyncio.run(storage.list("")) == ["notes/user-123/d", "session/other/c"]


def test_writers_of_one_value_at_once_leave_one_of_their_values(storage: PostgreSQLStorage) -> None:
    values = [bytes([65 + number]) * (number * 400_000) for number in range(1, 7)]

    async def race() -> bytes | None:
        await asyncio.gather(*(storage.write("raced", value) for value in values))
        return await storage.read("raced")

    assert asyncio.run(race()) in values


def test_over_the_session_backend_it_says_what_it_needs() -> None:
    with pytest.raises(ConfigurationError, match="postgresql://"):
        PostgreSQLStorage(store=HttpStore(StoreSettings(url="http://localhost:1")))
