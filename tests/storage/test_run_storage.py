"""`run.storage`: values and offloaded context, written with the run, under its lease."""

import asyncio

import pytest
from strands import Agent, tool
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands.types.exceptions import StorageError

from session_store import ConfigurationError, PostgreSQLStorage, RunEndedError, StoreSettings
from session_store.http import HttpStore
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from tests.support.scripted_model import ScriptedModel, UseTool


class Model(ScriptedModel):
    context_window_limit = 100_000


def test_rows_and_values_of_a_run_are_written_together(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage
) -> None:
    seen: list[tuple[bool, bytes | None]] = []

    @tool
    def peek() -> str:
        """Look from outside, as another process would."""
        seen.append((bool(repository.list_messages("user-123", "default")), asyncio.run(outside.read("notes/a"))))
        return "seen"

    with repository.run("user-123") as run:
        agent = Agent(
            model=ScriptedModel(UseTool("peek", {}), "done"),
            session_manager=run.session_manager,
            tools=[peek],
            callback_handler=None,
        )
        asyncio.run(run.storage.write("notes/a", b"x" * 1_500_000))
        assert asyncio.run(outside.read("notes/a")) is None
        agent("Hello")
    assert seen == [(True, b"x" * 1_500_000)]


def test_a_run_sees_its_own_changes_beside_what_is_stored(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage
) -> None:
    async def change(storage: PostgreSQLStorage) -> list[object]:
        await storage.write("notes/new", b"about tea")
        await storage.write("notes/changed", b"about coffee")
        await storage.delete("notes/gone")
        found = await storage.search("tea")
        return [
            await storage.list("notes/"),
            [await storage.read(f"notes/{name}") for name in ("new", "changed", "gone", "kept")],
            [result.key for result in found],
        ]

    for name in ("changed", "gone", "kept"):
        asyncio.run(outside.write(f"notes/{name}", b"tea, as stored"))
    with repository.run("user-123") as run:
        keys, values, found = asyncio.run(change(run.storage))
        assert asyncio.run(outside.list("notes/")) == ["notes/changed", "notes/gone", "notes/kept"]
        run.flush()
        assert asyncio.run(run.storage.list("notes/")) == keys
    assert keys == ["notes/changed", "notes/kept", "notes/new"]
    assert values == [b"about tea", b"about coffee", None, b"tea, as stored"]
    assert found == ["notes/kept", "notes/new"]
    assert asyncio.run(outside.list("notes/")) == keys


def test_a_run_holds_its_own_session_alone(repository: PostgreSQLSessionRepository) -> None:
    with repository.run("user-123") as run:
        for key in ("session/other/scopes/x", "context/other/x"):
            with pytest.raises(StorageError, match="belongs to another session"):
                asyncio.run(run.storage.write(key, b""))
        storage = run.storage
    with pytest.raises(RunEndedError):
        asyncio.run(storage.write("notes/a", b"too late"))


@pytest.mark.parametrize("in_a_run", [True, False])
def test_context_that_was_offloaded_is_retrieved_in_a_later_turn(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage, in_a_run: bool
) -> None:
    with repository.run("user-123") as run:
        storage = run.storage if in_a_run else outside
        agent = Agent(
            model=Model("answer"),
            session_manager=run.session_manager if in_a_run else SnapshotSessionManager("user-124", storage=outside),
            context_manager={"stash": {"storage": storage}},
            callback_handler=None,
        )
        agent("a long text " * 50)
        assert agent.context_manager
        assert agent.context_manager.stash
        assert agent.context_manager.stash_is_durable
    keys = asyncio.run(outside.list(f"context/{'user-123' if in_a_run else 'user-124'}/"))
    values = [asyncio.run(outside.read(key)) or b"" for key in keys]
    assert any(b"a long text" in value for value in values)


def test_over_the_session_backend_a_run_has_no_storage() -> None:
    run = PostgreSQLSessionRepository(store=HttpStore(StoreSettings(url="http://localhost:1"))).run("user-123")
    with pytest.raises(RuntimeError, match="has not begun"):
        _ = run.storage
    assert ConfigurationError.code == "misconfigured"


def ask(run: Run, prompt: str) -> None:
    model = ScriptedModel(f"answer to {prompt}")
    Agent(model=model, session_manager=run.session_manager, agent_id="default", callback_handler=None)(prompt)
    asyncio.run(run.storage.write("notes", prompt.encode()))


def test_a_turn_that_goes_back_writes_its_values_and_is_counted_once(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage, module_store: PostgreSQLStore, owner: str
) -> None:
    for prompt, start in (("1", None), ("2", None), ("3", 2)):
        with repository.run("user-123", from_message_id=start) as run:
            ask(run, prompt)
            run.count_tokens(10, 1)
    said = [message.to_message()["content"][0] for message in repository.list_messages("user-123", "default")]
    assert said == [{"text": "1"}, {"text": "answer to 1"}, {"text": "3"}, {"text": "answer to 3"}]
    assert asyncio.run(outside.read("notes")) == b"3"
    (day,) = module_store.usage.read(owner, 1)
    assert day[1:] == (3, 30, 3)


def test_a_turn_that_goes_back_and_fails_writes_no_values(
    repository: PostgreSQLSessionRepository, outside: PostgreSQLStorage
) -> None:
    with repository.run("user-123") as run:
        ask(run, "kept")
    with pytest.raises(ValueError, match="no"), repository.run("user-123", from_message_id=0) as run:
        ask(run, "lost")
        run.flush()
        raise ValueError("no")
    assert asyncio.run(outside.read("notes")) == b"kept"
    assert len(repository.list_messages("user-123", "default")) == 2
