"""The database restarted, its pooler killed, connections cut: between statements, inside one, and before its answer."""

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
from session_store.database import Database
from session_store.errors import AlreadyExistsError, ConfigurationError, SessionStoreError, StoreUnavailableError
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.proof.pooler import Pooler, running_pooler
from tests.proof.turns import (
    OWNER,
    agent_of,
    assert_closed,
    history,
    hold_turn,
    hold_turn_when_free,
    texts,
    wait_until_blocked,
)
from tests.proof.wire import Cut, WireProxy
from tests.scripted_model import ScriptedModel, UseTool

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
        assert texts(history(repository._store, "user-123")) == complete
        assert repository.read_run(run_id()).status == "completed"
    else:
        assert isinstance(getattr(error, "original_exception", error), SessionStoreError), error
    hold_turn_when_free(repository, "user-123", "after")
    messages = history(repository._store, "user-123")
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
    assert texts(history(fragile._store, "user-123")) == TOOL_TURN
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
    assert texts(history(fragile._store, "user-123")) == ["after", "answer to after"]


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
    assert texts(history(fragile._store, "user-123")) == TOOL_TURN
    assert fragile.read_run(run_ids[0]).status == "completed"


@pytest.mark.pgbouncer
def test_a_pooler_killed_between_statements_is_not_noticed(
    fragile_pooled: PostgreSQLSessionRepository, fragile_pooler: Pooler
) -> None:
    def kill() -> None:
        fragile_pooler.kill()
        fragile_pooler.start()

    run_id = hold_tool_turn(fragile_pooled, kill)
    assert texts(history(fragile_pooled._store, "user-123")) == TOOL_TURN
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


STATEMENTS = {"begin": "begin_run(", "write": "write_run(", "renewal": "SELECT r.cancel_requested FROM lease"}


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
@pytest.mark.parametrize("statement", ["begin", "write"])
def test_a_statement_whose_fate_is_unknown_is_settled(
    wired: PostgreSQLSessionRepository, wire: WireProxy, statement: str, where: Cut
) -> None:
    hold_turn(wired, "user-123", "before")
    wire.cut_once(STATEMENTS[statement], where)
    run_id = hold_turn(wired, "user-123", "Hello", "answer")
    assert wire.cuts == 1
    assert texts(history(wired._store, "user-123")) == ["before", "answer to before", "Hello", "answer"]
    assert wired.read_run(run_id).status == "completed"


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
@pytest.mark.parametrize("write", ["request", "results", "commit"])
def test_no_write_of_a_tool_turn_is_doubled(
    wired: PostgreSQLSessionRepository, wire: WireProxy, write: str, where: Cut
) -> None:
    def cut(at: str) -> None:
        if at == write:
            wire.cut_once(STATEMENTS["write"], where)

    def request(messages: Any) -> Any:
        cut("request")
        return UseTool("work", {})

    @tool
    def work() -> str:
        """Works."""
        cut("results")
        return "worked"

    def answer(messages: Any) -> str:
        cut("commit")
        return "answer"

    with wired.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel(request, answer), [work])("Hello")
    assert wire.cuts == 1
    messages = history(wired._store, "user-123")
    assert_closed(messages)
    assert len(messages) == 4
    assert wired.read_run(run.run_id).status == "completed"
    assert wired.read_run(run.run_id).answer is not None


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
def test_the_end_of_a_failed_run_is_settled_too(
    wired: PostgreSQLSessionRepository, wire: WireProxy, where: Cut
) -> None:
    with pytest.raises(ZeroDivisionError), wired.run("user-123") as run:
        wire.cut_once(STATEMENTS["write"], where)
        raise ZeroDivisionError
    assert wire.cuts == 1
    assert wired.read_run(run.run_id).status == "failed"
    hold_turn(wired, "user-123", "after")


def test_a_commit_whose_second_answer_is_lost_too_is_an_error_and_not_half(
    wired: PostgreSQLSessionRepository, wire: WireProxy
) -> None:
    with pytest.raises(StoreUnavailableError), wired.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel("answer"))("Hello")
        wire.cut_once(STATEMENTS["write"], "before its answer")
        wire.cut_next_connection()
    assert wired.read_run(run.run_id).status == "completed"
    assert texts(history(wired._store, "user-123")) == TOOL_TURN


def test_a_renewal_whose_answer_is_lost_is_repeated(wired: PostgreSQLSessionRepository, wire: WireProxy) -> None:
    with wired.run("user-123") as run:
        wire.cut_once(STATEMENTS["renewal"], "before its answer")
        assert wired._store.runs.renew(OWNER, "user-123", run.run_id, 30) is False
    assert wire.cuts == 1


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
def test_no_call_outside_a_run_is_doubled(wired: PostgreSQLSessionRepository, wire: WireProxy, where: Cut) -> None:
    store = wired._store
    agent, message = AgentRecord("default", "{}", "{}", "{}", NOW, NOW), MessageRecord(0, '{"a":1}', None, NOW, NOW)

    def calls() -> Iterator[tuple[str, Callable[[], Any]]]:
        yield "INSERT INTO sessions", lambda: store.sessions.create(OWNER, SessionRecord("bare", "AGENT", NOW, NOW))
        yield "INSERT INTO agents", lambda: store.agents.create(OWNER, "bare", agent)
        yield "UPDATE agents", lambda: store.agents.update(OWNER, "bare", agent)
        yield "INSERT INTO messages", lambda: store.messages.create(OWNER, "bare", "default", message, "preview")
        yield "UPDATE messages", lambda: store.messages.update(OWNER, "bare", "default", message, "preview")
        yield "INSERT INTO multi_agents", lambda: store.multi_agents.create(OWNER, "bare", "graph", "{}")
        yield "UPDATE multi_agents", lambda: store.multi_agents.update(OWNER, "bare", "graph", "{}")

    for text, call in calls():
        wire.cut_once(text, where)
        call()
    assert wire.cuts == 7
    assert [record.message for record in store.messages.list(OWNER, "bare", "default")] == ['{"a":1}']
    assert store.agents.read(OWNER, "bare", "default") == AgentRecord(
        "default", "{}", "{}", "{}", NOW, NOW, message_count=1
    )
    for again in ("agents", "sessions"):  # what somebody else created is no answer of ours
        with pytest.raises(AlreadyExistsError):
            if again == "agents":
                store.agents.create(OWNER, "bare", agent)
            else:
                store.sessions.create(OWNER, SessionRecord("bare", "AGENT", NOW, NOW))
    wire.cut_once("DELETE FROM sessions", where)
    store.sessions.delete(OWNER, "bare")
    assert store.sessions.read(OWNER, "bare") is None


def test_a_statement_that_an_exception_cut_does_not_block_those_after_it(database_url: str) -> None:
    """As the handler of a signal raises it, of an alarm for one."""

    def ring(*_: object) -> None:
        raise TimeoutError

    database = Database(StoreSettings(url=database_url))
    earlier = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(TimeoutError):
            database.fetch("SELECT pg_sleep(30)", {})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    assert database.fetch("SELECT 1", {}).rows == [(1,)]
    database.close()


def test_an_idle_connection_is_replaced_before_its_proxy_would_cut_it(database_url: str) -> None:
    database = Database(StoreSettings(url=database_url, idle_seconds=0))
    backends = {database.fetch("SELECT pg_backend_pid()", {}).rows[0][0] for _ in range(3)}
    assert len(backends) == 3
    database.close()


def test_a_database_without_the_schema_is_a_configuration_error(postgresql_server: EmbeddedDatabase) -> None:
    store = PostgreSQLStore(StoreSettings(url=postgresql_server.url))
    with pytest.raises(ConfigurationError, match="lacks this version's schema"):
        store.sessions.read(OWNER, "user-123")
    store.close()


def test_a_failover_that_left_the_connection_on_a_reader_is_healed_by_another_one(database_url: str) -> None:
    """A former writer answers 25006; whoever connects anew reaches the present one."""
    database = Database(StoreSettings(url=database_url))
    database.fetch("SELECT 1", {})
    assert database._connection is not None
    database._connection.execute("SET default_transaction_read_only = on")
    rows, repeated = database.fetch("INSERT INTO sessions (owner, session_id) VALUES ('a', 'b') RETURNING 1", {})
    assert (rows, repeated) == ([(1,)], True)
    database.close()
