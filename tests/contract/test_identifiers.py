"""Any printable text is an identifier of its own, and reaches nothing else."""

from typing import Any

import pytest
from strands.types.session import SessionAgent, SessionMessage

from session_store.errors import InvalidIdentifierError, InvalidInputError
from session_store.repository import PostgreSQLSessionRepository
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
    session_id = f"session {identifier}" if identifier in (".", "..") else identifier
    add_session(store, owner, "Hello", session_id=session_id, agent_id=identifier)
    store.multi_agents.create(owner, session_id, identifier, "{}")
    stored = store.sessions.read(owner, session_id)
    assert stored
    assert stored.session_id == session_id
    assert [record.session_id for record in store.sessions.list(owner).sessions] == [session_id]
    found = store.agents.read(owner, session_id, identifier)
    assert found
    assert found.agent_id == identifier
    assert store.messages.read(owner, session_id, identifier, 0) == message(0)
    assert store.multi_agents.read(owner, session_id, identifier) == "{}"
    store.sessions.delete(owner, session_id)
    assert store.sessions.read(owner, session_id) is None


@pytest.mark.parametrize("session_id", [".", ".."])
def test_a_session_that_no_path_leads_to_is_not_created(
    store: Store, repository: PostgreSQLSessionRepository, owner: str, session_id: str
) -> None:
    with pytest.raises(InvalidIdentifierError, match=r"session_id must not be [.]+"):
        store.sessions.create(owner, session(session_id))
    with pytest.raises(InvalidIdentifierError, match=r"session_id must not be [.]+"), repository.run(session_id):
        pass
    assert list(store.sessions.list(owner).sessions) == []
    assert store.sessions.read(owner, session_id) is None


WRONG_NUMBERS = ["../../x", "0", "", None, [], 1.5, True, -1, 2**63]


@pytest.mark.parametrize("value", WRONG_NUMBERS)
def test_what_is_no_message_id_is_refused_as_a_value(
    repository: PostgreSQLSessionRepository, store: Store, owner: str, value: Any
) -> None:
    add_session(store, owner, "Hello")
    changed = SessionMessage({"role": "user", "content": []}, value)
    with repository.run("s") as run:
        for each in (repository, run.session_manager.session_repository):
            for call in (
                lambda each=each: each.read_message("s", "default", value),
                lambda each=each: each.update_message("s", "default", changed),
                lambda each=each: each.list_messages("s", "default", offset=value),
            ):
                with pytest.raises(ValueError, match=r"(message_id|offset) must be a whole number from 0") as caught:
                    call()
                assert isinstance(caught.value, InvalidInputError)
    assert [*store.messages.list(owner, "s", "default")] == [message(0)]


@pytest.mark.parametrize("value", [value for value in WRONG_NUMBERS if value is not None])
def test_what_is_no_limit_is_refused_as_a_value(
    repository: PostgreSQLSessionRepository, store: Store, owner: str, value: Any
) -> None:
    add_session(store, owner, "Hello")
    with repository.run("s") as run:
        for call in (
            lambda: repository.list_messages("s", "default", limit=value),
            lambda: run.session_manager.session_repository.list_messages("s", "default", limit=value),
            lambda: repository.list_sessions(limit=value),
        ):
            with pytest.raises(ValueError, match="limit must be a whole number from 0"):
                call()


@pytest.mark.parametrize("value", ["", "x" * 256, "a\nb", "\ud800", None, [], 1.5, True, 7, b"s"])
def test_what_is_no_identifier_is_refused_as_a_value(
    repository: PostgreSQLSessionRepository, store: Store, owner: str, value: Any
) -> None:
    add_session(store, owner, "Hello")
    with repository.run("s") as run:
        for each in (repository, run.session_manager.session_repository):
            for call in (
                lambda each=each: each.read_agent("s", value),
                lambda each=each: each.create_agent("s", SessionAgent(value, {}, {})),
                lambda each=each: each.read_message("s", value, 0),
                lambda each=each: each.read_message(value, "default", 0),
                lambda each=each: each.list_messages("s", value),
                lambda each=each: each.list_messages(value, "other"),
                lambda each=each: each.read_multi_agent("s", value),
                lambda: repository.read_run(value),
                lambda: repository.cancel_run(value),
            ):
                with pytest.raises(ValueError, match=r"must (have|be)"):
                    call()


@pytest.mark.parametrize("subspace", ["a/b", "..", "%2F", "käse 🧀", "~x", "a b&owner=c"])
def test_any_printable_owner_is_one_of_its_own(store: Store, owner: str, subspace: str) -> None:
    store.sessions.create(owner + subspace, session())
    assert store.sessions.read(owner, "s") is None
    assert store.sessions.read(owner + subspace, "s") == session()
