"""`PostgreSQLMemoryStore`: what an owner said once is found in later sessions, by that owner alone."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from strands import Agent
from strands.memory import MemoryManager
from strands.memory.types import AddMessagesContext

from session_store import InvalidInputError, MemoryNotFoundError, PostgreSQLMemoryStore, StoreSettings
from session_store.memory import MemorySearchOptions
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from tests.support.scripted_model import ScriptedModel, UseTool

MakeMemory = Callable[..., PostgreSQLMemoryStore]


@pytest.fixture
def make_memory(module_store: PostgreSQLStore, owner: str) -> MakeMemory:
    return lambda **options: PostgreSQLMemoryStore(store=module_store, **{"owner": owner, **options})


@pytest.fixture
def memory(make_memory: MakeMemory) -> PostgreSQLMemoryStore:
    return make_memory()


def found(memory: PostgreSQLMemoryStore, query: str, **options: Any) -> list[str]:
    entries = asyncio.run(memory.search(query, MemorySearchOptions(**{"max_search_results": 10, **options})))
    return [entry.content for entry in entries]


def add(memory: PostgreSQLMemoryStore, *contents: str, **metadata: Any) -> list[str]:
    async def add_all() -> list[str]:
        return [await memory.add(content, metadata) for content in contents]

    return asyncio.run(add_all())


def age(url: str, memory_id: str, days: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE memories SET updated_at = now() - make_interval(days => %s) WHERE memory_id = %s", (days, memory_id)
        )


def test_facts_are_found_by_their_words_the_best_match_first(memory: PostgreSQLMemoryStore) -> None:
    add(memory, "The user likes green tea", "The user lives in Rome", "The user's dog likes to drink tea & milk")
    assert found(memory, "Which green teas does the user like?")[0] == "The user likes green tea"
    assert found(memory, "Where is the user living?")[0] == "The user lives in Rome"
    assert found(memory, "the of and") == []
    assert found(memory, "green", max_search_results=1) == ["The user likes green tea"]


def test_of_equal_matches_the_newer_one_comes_first(memory: PostgreSQLMemoryStore, shared_database_url: str) -> None:
    old, _ = add(memory, "The user lives in Paris", "The user lives in Berlin")
    age(shared_database_url, old, days=400)
    assert found(memory, "lives") == ["The user lives in Berlin", "The user lives in Paris"]


def test_an_old_memory_counts_less_by_its_half_life(make_memory: MakeMemory, shared_database_url: str) -> None:
    patient, forgetful = make_memory(half_life_days=10_000), make_memory(half_life_days=1)
    (old,) = add(patient, "tea, green tea, the user drinks green tea")
    add(patient, "The user once bought some tea at the market, and forgot about it")
    age(shared_database_url, old, days=30)
    assert found(patient, "green tea")[0].startswith("tea, green")
    assert found(forgetful, "green tea")[0].startswith("The user once")


def test_metadata_narrows_a_search(memory: PostgreSQLMemoryStore) -> None:
    add(memory, "likes tea", source="form", tags=["drinks", "hot"])
    add(memory, "likes milk tea", source="chat")
    assert found(memory, "tea", metadata={"source": "chat"}) == ["likes milk tea"]
    assert found(memory, "tea", metadata={"tags": ["hot"]}) == ["likes tea"]


def test_the_same_fact_is_kept_once(memory: PostgreSQLMemoryStore) -> None:
    first, second = add(memory, "likes tea", "likes tea")
    assert first == second
    assert len(asyncio.run(memory.export())) == 1


def test_a_batch_of_messages_that_comes_again_is_kept_once_and_the_same_words_of_a_later_run_again(
    make_memory: MakeMemory,
) -> None:
    messages: list[Any] = [
        {"role": "user", "content": [{"text": "ok"}]},
        {"role": "assistant", "content": [{"toolUse": {"name": "x", "toolUseId": "1", "input": {}}}]},
        {"role": "assistant", "content": [{"text": "Fine."}, {"text": "Tea it is."}]},
        {"role": "user", "content": [{"text": "ok"}]},
    ]
    context = AddMessagesContext(sequence_numbers=[0, 1, 2, 5])
    for run_id in ("run 1", "run 1", "run 2"):
        asyncio.run(make_memory(run_id=run_id).add_messages(messages, context))
    entries = asyncio.run(make_memory().export())
    assert sorted(entry.content for entry in entries) == ["Fine.\nTea it is."] * 2 + ["ok"] * 4
    assert {(entry.metadata or {})["role"] for entry in entries if entry.content == "ok"} == {"user"}
    asyncio.run(make_memory().add_messages(messages))
    assert len(asyncio.run(make_memory().export())) == 8


def test_another_owner_and_another_store_find_nothing(make_memory: MakeMemory) -> None:
    mine, other, second = make_memory(), make_memory(owner="somebody else"), make_memory(name="work")
    (memory_id,) = add(mine, "likes tea")
    assert found(other, "tea") == found(second, "tea") == []
    with pytest.raises(MemoryNotFoundError):
        asyncio.run(other.delete(memory_id))
    assert asyncio.run(other.delete_all()) == asyncio.run(second.delete_all()) == 0
    assert found(mine, "tea") == ["likes tea"]


def test_deleting_sessions_deletes_no_memories(
    memory: PostgreSQLMemoryStore, module_store: PostgreSQLStore, owner: str
) -> None:
    with PostgreSQLSessionRepository(store=module_store, owner=owner).run("user-123") as run:
        asyncio.run(run.open_memory().add("likes tea"))
    module_store.sessions.delete(owner, "user-123")
    assert found(memory, "tea") == ["likes tea"]


def test_one_and_all_can_be_deleted_and_everything_exported(memory: PostgreSQLMemoryStore) -> None:
    first, *_ = add(memory, "likes tea", "likes milk", "lives in Rome", kind="fact")
    asyncio.run(memory.delete(first))
    for gone in (first, "no-uuid"):
        with pytest.raises(MemoryNotFoundError):
            asyncio.run(memory.delete(gone))
    entries = asyncio.run(memory.export())
    assert [entry.content for entry in entries] == ["lives in Rome", "likes milk"]
    assert {(entry.metadata or {})["kind"] for entry in entries} == {"fact"}
    assert asyncio.run(memory.delete_all()) == 2
    assert asyncio.run(memory.export()) == []


def test_a_memory_past_its_time_is_neither_found_nor_kept(
    make_memory: MakeMemory, module_store: PostgreSQLStore
) -> None:
    brief = make_memory(ttl_days=0.01 / 86_400)
    add(brief, "likes tea")
    asyncio.run(asyncio.sleep(0.02))
    assert found(brief, "tea") == []
    assert sum(module_store.memories.expire()) >= 1


@pytest.mark.parametrize("content", ["", "  ", "x" * 100_001, "nul \0 inside", "lone \ud800"])
def test_what_is_no_fact_is_refused(memory: PostgreSQLMemoryStore, content: str) -> None:
    with pytest.raises(InvalidInputError):
        add(memory, content)
    with pytest.raises(InvalidInputError):
        add(memory, "with metadata", number=float("nan"))


def test_a_language_that_postgresql_does_not_know_is_refused(make_memory: MakeMemory) -> None:
    for use in (make_memory(language="klingon").add("tlhIngan"), make_memory(language="klingon").search("tlhIngan")):
        with pytest.raises(InvalidInputError, match="language"):
            asyncio.run(use)
    german = make_memory(language="german")
    add(german, "Die Nutzerin mag grüne Tees")
    assert found(german, "Welchen grünen Tee?") == ["Die Nutzerin mag grüne Tees"]


def test_words_and_meaning_are_fused_where_the_database_has_vectors(database_url: str) -> None:
    places = {"tea": [1.0, 0.0], "beverage": [0.9, 0.1], "car": [0.0, 1.0]}

    async def embed(text: str) -> list[float]:
        return next((place for word, place in places.items() if word in text), [0.5, 0.5])

    def search(has_vectors: bool) -> list[str]:
        store = PostgreSQLStore(StoreSettings(url=database_url))
        memory = PostgreSQLMemoryStore(store=store, embed=embed)
        if not has_vectors:
            add(memory, "a hot beverage is what the user wants", "the user has a car", "the user brews tea")
        contents = found(memory, "tea")
        store.close()
        return contents

    assert search(has_vectors=False) == ["the user brews tea"]
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE EXTENSION vector")
    assert search(has_vectors=True) == [
        "the user brews tea",
        "a hot beverage is what the user wants",
        "the user has a car",
    ]


def test_strands_injects_memories_and_offers_its_tools(memory: PostgreSQLMemoryStore) -> None:
    add(memory, "The user likes green tea")
    model = ScriptedModel(
        UseTool("add_memory", {"entries": ["The user lives in Rome"]}),
        UseTool("search_memory", {"query": "Where does the user live?"}),
        "done",
    )
    manager = MemoryManager(stores=[memory], add_tool_config=True)
    Agent(model=model, memory_manager=manager, callback_handler=None)("Which tea do I like?")
    assert "green tea" in str(model.calls[0]["messages"])
    assert "lives in Rome" in str(model.calls[2]["messages"])
    assert found(memory, "Rome") == ["The user lives in Rome"]
