"""The database restarted and its pooler killed: between statements, and inside one."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from strands import tool

from local.database import EmbeddedDatabase, temporary_database
from session_store.errors import SessionStoreError, StoreUnavailableError
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.pooler import Pooler, running_pooler
from tests.reliability.turns import (
    agent_of,
    assert_closed,
    history,
    hold_turn_when_free,
    texts,
    wait_until_blocked,
)
from tests.support.scripted_model import ScriptedModel, UseTool

NOW = "2026-11-22T10:00:00+00:00"
LEASE_SECONDS = 2.0
TOOL_TURN = ["Hello", "answer"]


@pytest.fixture(scope="module")
def fragile_server() -> Iterator[EmbeddedDatabase]:
    """A server of these tests' own, since they stop it."""
    with temporary_database({"fsync": "off"}) as server:
        with psycopg.connect(server.url) as connection:
            apply_migrations(connection)
        yield server


@pytest.fixture
def fragile_pooler(needs_pgbouncer: None, fragile_server: EmbeddedDatabase) -> Iterator[Pooler]:
    with running_pooler(fragile_server.url) as pooler:
        yield pooler


@pytest.fixture
def fragile(fragile_server: EmbeddedDatabase) -> Iterator[PostgreSQLSessionRepository]:
    yield from _fresh(fragile_server.url, fragile_server)


@pytest.fixture
def fragile_pooled(fragile_pooler: Pooler, fragile_server: EmbeddedDatabase) -> Iterator[PostgreSQLSessionRepository]:
    yield from _fresh(fragile_pooler.url_of(fragile_server.url), fragile_server)


def _fresh(url: str, server: EmbeddedDatabase) -> Iterator[PostgreSQLSessionRepository]:
    store = PostgreSQLStore(StoreSettings(url=url))
    yield PostgreSQLSessionRepository(store=store)
    store.close()
    with psycopg.connect(server.url) as connection:
        connection.execute("DELETE FROM sessions")


def hold_tool_turn(repository: PostgreSQLSessionRepository, during_tool: Callable[[], None]) -> str:
    @tool
    def work() -> str:
        """Works."""
        during_tool()
        return "worked"

    with repository.run("user-123", lease_seconds=LEASE_SECONDS) as run:
        agent_of(run.session_manager, ScriptedModel(UseTool("work", {}), "answer"), [work])("Hello")
    return run.run_id


def assert_right_or_refused(
    repository: PostgreSQLSessionRepository, turn: "Future[str]", run_id: Callable[[], str], complete: list[str]
) -> None:
    """Never half: an acknowledged turn is whole, another is closed or not there, and the next one works."""
    error = turn.exception(timeout=60)
    if error is None:
        assert texts(history(repository.store, "user-123")) == complete
        assert repository.read_run(run_id()).status == "completed"
    else:
        assert isinstance(getattr(error, "original_exception", error), SessionStoreError), error
    hold_turn_when_free(repository, "user-123", "after")
    messages = history(repository.store, "user-123")
    assert_closed(messages)
    assert texts(messages)[-2:] == ["after", "answer to after"]
    assert texts(messages).count("Hello") <= 1


def restart(server: EmbeddedDatabase, how: signal.Signals) -> None:
    server.stop(how)
    server.start()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_restart_between_statements_is_not_noticed(
    fragile: PostgreSQLSessionRepository, fragile_server: EmbeddedDatabase, how: signal.Signals
) -> None:
    run_id = hold_tool_turn(fragile, lambda: restart(fragile_server, how))
    assert texts(history(fragile.store, "user-123")) == TOOL_TURN
    assert fragile.read_run(run_id).status == "completed"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_server_that_stays_away_ends_the_run_with_that_error_and_its_lease_by_itself(
    fragile: PostgreSQLSessionRepository, fragile_server: EmbeddedDatabase, how: signal.Signals
) -> None:
    run = fragile.run("user-123", lease_seconds=LEASE_SECONDS)
    try:
        with pytest.raises(StoreUnavailableError), run:
            agent_of(run.session_manager, ScriptedModel("answer"))("Hello")
            fragile_server.stop(how)
    finally:
        fragile_server.start()
    hold_turn_when_free(fragile, "user-123", "after")
    assert fragile.read_run(run.run_id).status == "interrupted"
    assert texts(history(fragile.store, "user-123")) == ["after", "answer to after"]


@contextmanager
def blocked_commit(
    repository: PostgreSQLSessionRepository, server: EmbeddedDatabase
) -> Iterator[tuple["Future[str]", list[str], "psycopg.Connection[Any]"]]:
    """A turn whose commit waits for a lock that this block holds."""
    run_ids: list[str] = []

    def turn(ready: threading.Event, locked: threading.Event) -> str:
        with repository.run("user-123", lease_seconds=30) as run:
            run_ids.append(run.run_id)
            agent_of(run.session_manager, ScriptedModel("answer"))("Hello")
            ready.set()
            assert locked.wait(30)
        return run.run_id

    ready, locked = threading.Event(), threading.Event()
    with ThreadPoolExecutor() as pool, closing(psycopg.connect(server.url, autocommit=True)) as watch:
        held = pool.submit(turn, ready, locked)
        assert ready.wait(30)
        with closing(psycopg.connect(server.url)) as holder:
            holder.execute("SELECT FROM sessions FOR UPDATE")
            locked.set()
            wait_until_blocked(watch)
            yield held, run_ids, watch


def expire_leases(server: EmbeddedDatabase) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_restart_inside_a_commit_ends_it_whole_or_with_an_error(
    fragile: PostgreSQLSessionRepository, fragile_server: EmbeddedDatabase, how: signal.Signals
) -> None:
    with blocked_commit(fragile, fragile_server) as (turn, run_ids, _):
        restart(fragile_server, how)
        turn.exception(timeout=60)
    expire_leases(fragile_server)
    assert_right_or_refused(fragile, turn, lambda: run_ids[0], TOOL_TURN)


def test_a_terminated_backend_inside_a_commit_is_tried_again(
    fragile: PostgreSQLSessionRepository, fragile_server: EmbeddedDatabase
) -> None:
    with blocked_commit(fragile, fragile_server) as (turn, run_ids, watch):
        terminated = watch.execute(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchall()
        gone = [pid for pid, _ in terminated]
        while watch.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", (gone,)).fetchone():
            pass
        wait_until_blocked(watch)  # the second try
    assert turn.result(timeout=60) == run_ids[0]
    assert texts(history(fragile.store, "user-123")) == TOOL_TURN
    assert fragile.read_run(run_ids[0]).status == "completed"


@pytest.mark.pgbouncer
def test_a_pooler_killed_between_statements_is_not_noticed(
    fragile_pooled: PostgreSQLSessionRepository, fragile_pooler: Pooler
) -> None:
    def kill() -> None:
        fragile_pooler.kill()
        fragile_pooler.start()

    run_id = hold_tool_turn(fragile_pooled, kill)
    assert texts(history(fragile_pooled.store, "user-123")) == TOOL_TURN
    assert fragile_pooled.read_run(run_id).status == "completed"


@pytest.mark.pgbouncer
def test_a_pooler_killed_inside_a_commit_ends_it_whole_or_with_an_error(
    fragile_pooled: PostgreSQLSessionRepository, fragile_pooler: Pooler, fragile_server: EmbeddedDatabase
) -> None:
    """The server goes on with the statement of a client that is gone: the second try finds its own commit."""
    with blocked_commit(fragile_pooled, fragile_server) as (turn, run_ids, _):
        fragile_pooler.kill()
        fragile_pooler.start()
    turn.exception(timeout=60)
    expire_leases(fragile_server)
    assert_right_or_refused(fragile_pooled, turn, lambda: run_ids[0], TOOL_TURN)


@pytest.mark.pgbouncer
def test_a_server_restarted_behind_its_pooler_is_not_noticed_between_statements(
    fragile_pooled: PostgreSQLSessionRepository, fragile_server: EmbeddedDatabase
) -> None:
    with ThreadPoolExecutor() as pool:
        turn = pool.submit(hold_tool_turn, fragile_pooled, lambda: restart(fragile_server, signal.SIGINT))
        turn.exception(timeout=60)
        expire_leases(fragile_server)
        assert_right_or_refused(fragile_pooled, turn, turn.result, TOOL_TURN)
