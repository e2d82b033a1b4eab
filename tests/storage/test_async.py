"""`async with repository.run(…)`: nothing of it blocks the event loop, and a cancelled task ends its run."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql
from strands import Agent, tool

from session_store import (
    PostgreSQLSessionRepository,
    SessionBusyError,
    SessionNotFoundError,
    StoreSettings,
    StoreUnavailableError,
)
from session_store.postgresql import PostgreSQLStore
from session_store.time_limit import time_limit
from tests.support.scripted_model import ScriptedModel, UseTool

BLINK_SECONDS = 0.01


@pytest.fixture
def repository(database_url: str) -> Iterator[PostgreSQLSessionRepository]:
    with PostgreSQLSessionRepository(store=PostgreSQLStore(StoreSettings(url=database_url, pool_size=2))) as opened:
        yield opened


@pytest.fixture
def holder(database_url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(database_url) as connection:
        yield connection


@tool
async def look_up() -> str:
    """Look something up."""
    return "found"


def agent_of(run: "object", *turns: "str | UseTool") -> Agent:
    return Agent(
        model=ScriptedModel(*turns),
        session_manager=run.session_manager,  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType]
        tools=[look_up],
        callback_handler=None,
    )


@asynccontextmanager
async def beating() -> AsyncIterator[list[float]]:
    """The moments at which the loop was free."""
    moments: list[float] = []

    async def beat() -> None:
        while True:
            moments.append(time.monotonic())
            await asyncio.sleep(BLINK_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield moments
    finally:
        task.cancel()


async def blocked_for(beats: list[float], seconds: float = 0.3) -> None:
    """Returns after so long, in which the loop went on."""
    before = len(beats)
    await asyncio.sleep(seconds)
    assert len(beats) - before > seconds / BLINK_SECONDS / 4


async def is_done(awaited: "Awaitable[object]", within_seconds: float = 20) -> bool:
    await asyncio.wait_for(asyncio.shield(awaited), within_seconds)
    return True


def test_a_turn_is_stored_and_the_next_one_remembers_it(repository: PostgreSQLSessionRepository) -> None:
    async def turns() -> list[int]:
        counts: list[int] = []
        for number in (1, 2):
            async with repository.run("user-123") as run:
                agent = agent_of(run, UseTool("look_up", {}), f"answer {number}")
                counts.append(len(agent.messages))
                await agent.invoke_async(f"Hello {number}")
        return counts

    assert asyncio.run(turns()) == [0, 4]


def test_begin_flush_and_commit_leave_the_loop_free_while_a_table_is_locked(
    repository: PostgreSQLSessionRepository, holder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    async def lock(table: str, locked: asyncio.Event) -> None:
        statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table))
        await asyncio.to_thread(holder.execute, statement)
        locked.set()

    async def turn(stages: list[asyncio.Event]) -> None:
        async with repository.run("user-123") as run:
            agent = agent_of(run, UseTool("look_up", {}), "answer")
            await lock("messages", stages[0])
            await agent.invoke_async("Hello")
            await lock("messages", stages[1])

    async def watch() -> None:
        stages = [asyncio.Event() for _ in range(2)]
        holder.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        async with beating() as beats:
            task = asyncio.create_task(turn(stages))
            for stage in (*stages, None):
                await blocked_for(beats)
                assert not task.done()
                await asyncio.to_thread(holder.rollback)
                if stage:
                    await is_done(asyncio.ensure_future(stage.wait()))
            assert await is_done(task)

    asyncio.run(watch())
    assert len(repository.list_messages("user-123", "default")) == 4


def test_a_cancelled_task_ends_its_run_as_an_exception_does(repository: PostgreSQLSessionRepository) -> None:
    async def turn(begun: asyncio.Event) -> None:
        async with repository.run("user-123") as run:
            repository_run_ids.append(run.run_id)
            begun.set()
            await asyncio.sleep(60)

    async def cancel() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(turn(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    repository_run_ids: list[str] = []
    asyncio.run(cancel())
    assert repository.read_run(repository_run_ids[0]).status == "failed"
    with repository.run("user-123"):
        pass


def test_a_task_that_is_cancelled_while_it_begins_leaves_no_lease(
    repository: PostgreSQLSessionRepository, holder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    async def cancel() -> None:
        run = repository.run("user-123", lease_seconds=3600)
        holder.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(run.__aenter__())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(holder.rollback)

    async def begin_again() -> None:
        for _ in range(500):
            try:
                async with repository.run("user-123"):
                    return
            except SessionBusyError:
                await asyncio.sleep(BLINK_SECONDS)
        raise AssertionError("the lease of the cancelled begin stays")

    asyncio.run(cancel())
    asyncio.run(begin_again())


def test_a_task_that_is_cancelled_while_it_commits_leaves_when_the_commit_is_done(
    repository: PostgreSQLSessionRepository, holder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    async def cancel() -> None:
        run = await repository.run("user-123").__aenter__()
        holder.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(run.__aexit__(None, None, None))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.sleep(0.1)
        assert not task.done()
        await asyncio.to_thread(holder.rollback)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert repository.read_run(run.run_id).status == "completed"

    asyncio.run(cancel())


def test_more_calls_than_connections_take_turns_within_their_time(
    repository: PostgreSQLSessionRepository, holder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    async def turn(number: int) -> None:
        async with repository.run(f"user-{number}") as run:
            await agent_of(run, "answer").invoke_async("Hello")

    async def all_at_once() -> None:
        await asyncio.gather(*(turn(number) for number in range(12)))
        holder.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        waiting = [asyncio.create_task(turn(number)) for number in (20, 21)]
        await asyncio.sleep(0.1)
        with time_limit(time.monotonic() + 0.1), pytest.raises(StoreUnavailableError):
            await asyncio.to_thread(repository.read_session, "user-1")
        await asyncio.to_thread(holder.rollback)
        await asyncio.gather(*waiting)

    asyncio.run(all_at_once())
    assert len(repository.list_sessions().sessions) == 14


def test_a_closed_repository_gives_its_connections_back_and_opens_new_ones_when_asked(
    repository: PostgreSQLSessionRepository, holder: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    async def use() -> None:
        async with repository:
            assert await asyncio.to_thread(repository.read_session, "missing") is None

    asyncio.run(use())
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(200):  # PostgreSQL takes a moment to see it
        row = holder.execute(others).fetchone()
        holder.rollback()
        if row == (0,):
            break
        time.sleep(BLINK_SECONDS)
    assert row == (0,)
    with pytest.raises(SessionNotFoundError):
        repository.delete_session("missing")
