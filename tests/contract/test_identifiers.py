"""Any printable text is an identifier of its own, and reaches nothing else."""

import pytest

from session_store.store import Store
from tests.contract.records import add_session, message, session

NASTY = [
    *("a/b", "/", "//", "a?b", "a#b", "%", "100%", "%2F", "50%25", "a b", " ", "+", "a+b", ".", "..", "...", "../x"),
    *(
        "~",
        "~YQ",
        "~~",
        "käse 🧀",
        "日本",
        "e\N{COMBINING ACUTE ACCENT}",
        "a:b|c",
        "a;b",
        "a&b=c",
        'q"uote',
        "it's",
        "{s}",
    ),
    *("\\", "<script>", "null", "agents", "-", "_", "x" * 255, "🧀" * 255, "/" * 255),
]


@pytest.mark.parametrize("identifier", NASTY)
def test_any_printable_identifier_is_one_of_its_own(store: Store, owner: str, identifier: str) -> None:
    add_session(store, owner, "Hello", session_id=identifier, agent_id=identifier)
    store.multi_agents.create(owner, identifier, identifier, "{}")
    stored = store.sessions.read(owner, identifier)
    assert stored
    assert stored.session_id == identifier
    assert [record.session_id for record in store.sessions.list(owner).sessions] == [identifier]
    found = store.agents.read(owner, identifier, identifier)
    assert found
    assert found.agent_id == identifier
    assert store.messages.read(owner, identifier, identifier, 0) == message(0)
    assert store.multi_agents.read(owner, identifier, identifier) == "{}"
    store.sessions.delete(owner, identifier)
    assert store.sessions.read(owner, identifier) is None


@pytest.mark.parametrize("subspace", ["a/b", "..", "%2F", "käse 🧀", "~x", "a b&owner=c"])
def test_any_printable_owner_is_one_of_its_own(store: Store, owner: str, subspace: str) -> None:
    store.sessions.create(owner + subspace, session())
    assert store.sessions.read(owner, "s") is None
    assert store.sessions.read(owner + subspace, "s") == session()
