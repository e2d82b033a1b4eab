"""Connections cut: between statements, inside one, before its answer; and those that are of no use any more."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from strands import tool

from local.database import EmbeddedDatabase
from session_store._database import Database
from session_store.errors import AlreadyExistsError, ConfigurationError, StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.turns import (
    OWNER,
    agent_of,
    assert_closed,
    history,
    hold_turn,
    texts,
)
from tests.reliability.wire import Cut, WireProxy
from tests.support.scripted_model import ScriptedModel, UseTool

NOW = "2026-11-22T10:00:00+00:00"
LEASE_SECONDS = 2.0
TOOL_TURN = ["Hello", "answer"]


STATEMENTS = {
    "begin": "begin_run_v5(",
    "write": "append_messages_v1(",
    "failure": "write_run_v4(",
    "renewal": "SELECT r.cancel_requested FROM lease",
}


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
@pytest.mark.parametrize("statement", ["begin", "write"])
def test_a_statement_whose_fate_is_unknown_is_settled(
    wired: PostgreSQLSessionRepository, wire: WireProxy, statement: str, where: Cut
) -> None:
    hold_turn(wired, "user-123", "before")
    wire.cut_once(STATEMENTS[statement], where)
    run_id = hold_turn(wired, "user-123", "Hello", "answer")
    assert wire.cuts == 1
    assert texts(history(wired.store, "user-123")) == ["before", "answer to before", "Hello", "answer"]
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
    messages = history(wired.store, "user-123")
    assert_closed(messages)
    assert len(messages) == 4
    assert wired.read_run(run.run_id).status == "completed"
    assert wired.read_run(run.run_id).answer is not None


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
def test_the_end_of_a_failed_run_is_settled_too(
    wired: PostgreSQLSessionRepository, wire: WireProxy, where: Cut
) -> None:
    with pytest.raises(ZeroDivisionError), wired.run("user-123") as run:
        wire.cut_once(STATEMENTS["failure"], where)
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
    assert texts(history(wired.store, "user-123")) == TOOL_TURN


def test_a_renewal_whose_answer_is_lost_is_repeated(wired: PostgreSQLSessionRepository, wire: WireProxy) -> None:
    with wired.run("user-123") as run:
        wire.cut_once(STATEMENTS["renewal"], "before its answer")
        assert wired.store.runs.renew(OWNER, "user-123", run.run_id, 30) is False
    assert wire.cuts == 1


@pytest.mark.parametrize("where", ["before the statement", "before its answer"])
def test_no_call_outside_a_run_is_doubled(wired: PostgreSQLSessionRepository, wire: WireProxy, where: Cut) -> None:
    store = wired.store
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
    database.fetch("SET default_transaction_read_only = on", {})
    rows, repeated = database.fetch("INSERT INTO sessions (owner, session_id) VALUES ('a', 'b') RETURNING 1", {})
    assert (rows, repeated) == ([(1,)], False)  # a reader has certainly done nothing
    database.close()
