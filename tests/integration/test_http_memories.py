"""What agents remember about a caller, listed and deleted over HTTP."""

from collections.abc import Iterator

import pytest

from session_store.postgresql import PostgreSQLStore, open_store
from session_store.records import NewMemory
from session_store.settings import StoreSettings
from tests.support.http_api import ALICE, BOB, HttpApi, load_handler

MEMORY = "/memories/{memory_id}"


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    yield HttpApi(sessions=load_handler("sessions"))
    open_store(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


def test_a_caller_lists_and_deletes_their_own_memories_alone(api: HttpApi, store: PostgreSQLStore) -> None:
    for owner, count in ((f"iam:{ALICE}", 5), (f"iam:{BOB}", 1)):
        new = [NewMemory(str(number), f"fact {number}", '{"n":1}', None, None) for number in range(count)]
        store.memories.add(owner, "memories", "english", new)
    seen, query = [], "limit=2"
    while query:
        page = api.call("GET", "/memories", query=query).json
        seen += page["memories"]
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"
    assert sorted(memory["content"] for memory in seen) == [f"fact {number}" for number in range(5)]
    assert seen[0]["metadata"] == {"n": 1}
    memory_id = seen[0]["memory_id"]
    assert api.call("DELETE", MEMORY, user=BOB, memory_id=memory_id).code == "memory_not_found"
    assert api.call("DELETE", MEMORY, memory_id=memory_id).status == 204
    assert api.call("DELETE", MEMORY, memory_id=memory_id).status == 404
    assert api.call("GET", "/memories", query="cursor=x").code == "cursor_not_found"
    assert api.call("DELETE", "/memories").status == 204
    assert api.call("GET", "/memories").json == {"memories": [], "next_cursor": None}
    assert len(api.call("GET", "/memories", user=BOB).json["memories"]) == 1
