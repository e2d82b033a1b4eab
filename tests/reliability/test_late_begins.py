"""Begins that arrive when nobody waits for them any more, and begins that nobody reads the answer of."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any

import psycopg
import pytest

from session_store._statement_names import StatementNames
from session_store.errors import RunNotFoundError, SessionBusyError, StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.postgresql.run_begin import BEGIN
from session_store.records import (
    AgentMessage,
    AgentRecord,
    BegunRun,
    MessageRecord,
    RunOutcome,
    RunRequest,
    RunWrite,
)
from session_store.sending import Sending, sent_as
from session_store.settings import NO_BUDGET, StoreSettings
from tests.reliability.chaos import Chaos
from tests.reliability.chaos_proxy import ChaosProxy
from tests.reliability.turns import OWNER
from tests.support.waiting import wait_until

NOW = "2026-11-26T10:00:00+00:00"
COMPLETED = RunOutcome("completed")


@pytest.fixture
def network(url: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(url, Chaos(late_seconds=(600, 600))) as proxy:
        yield proxy


@contextmanager
def opened(url: str, **settings: Any) -> Iterator[PostgreSQLStore]:
    store = PostgreSQLStore(StoreSettings(url=url, **settings))
    with closing(store):
        yield store


def request(**changes: Any) -> RunRequest:
    return RunRequest("user-123", "default", str(uuid.uuid4()), lease_seconds=30)._replace(**changes)


def begin(store: PostgreSQLStore, of: RunRequest) -> BegunRun:
    begun = store.runs.begin(OWNER, of)
    assert isinstance(begun, BegunRun)
    return begun


def turn(of: RunRequest, *bodies: str, **changes: Any) -> RunWrite:
    messages = [AgentMessage("default", MessageRecord(n, body, None, NOW, NOW)) for n, body in enumerate(bodies)]
    return RunWrite(
        *(of.session_id, of.run_id, of.lease_seconds),
        created_agents=[AgentRecord("default", "{}", "{}", "{}", NOW, NOW)],
        messages=messages,
        outcome=COMPLETED,
    )._replace(**changes)


def make_late(network: ChaosProxy, count: int) -> None:
    for _ in range(count):
        network.plan("deliver late", b"begin_run_v5")


def test_a_begin_that_was_given_up_begins_nothing(network: ChaosProxy, store: PostgreSQLStore) -> None:
    make_late(network, 2)
    with opened(network.url) as client, pytest.raises(StoreUnavailableError):
        client.runs.begin(OWNER, request())
    assert network.deliver() == 2
    assert store.sessions.read(OWNER, "user-123") is None


@pytest.mark.parametrize("deleted", [False, True], ids=["a new session", "a deleted session"])
def test_a_begin_of_a_killed_client_is_good_for_no_longer_than_it_would_have_waited(
    network: ChaosProxy, store: PostgreSQLStore, deleted: bool
) -> None:
    make_late(network, 2)
    for _ in range(2):
        network.plan("cut", b"abandon_run_v2")
    timeout_seconds = 30 if deleted else 1
    with opened(network.url, statement_timeout_seconds=timeout_seconds) as client, pytest.raises(StoreUnavailableError):
        client.runs.begin(OWNER, request())
    if deleted:
        begin(store, request())
        store.sessions.delete(OWNER, "user-123")
    else:
        time.sleep(1)
    assert network.deliver() == 2
    assert store.sessions.read(OWNER, "user-123") is None


def test_a_begin_that_was_repeated_brings_no_deleted_session_back(network: ChaosProxy, store: PostgreSQLStore) -> None:
    make_late(network, 1)
    with opened(network.url) as client:
        asked = request()
        begin(client, asked)
        client.runs.write(OWNER, turn(asked))
    store.sessions.delete(OWNER, "user-123")
    assert network.deliver() == 1
    assert store.sessions.read(OWNER, "user-123") is None


def test_a_session_can_be_begun_again_right_after_its_deletion(store: PostgreSQLStore) -> None:
    for _ in range(20):
        begin(store, request())
        store.sessions.delete(OWNER, "user-123")
    assert begin(store, request()).fence == 1


def test_the_begin_of_an_abandoned_run_is_refused_and_a_later_one_is_not(store: PostgreSQLStore) -> None:
    asked, sent_before = request(), Sending(time.time(), 30)
    store.runs.abandon(OWNER, asked.run_id)
    with sent_as(sent_before), pytest.raises(StoreUnavailableError):
        store.runs.begin(OWNER, asked)
    store.runs.abandon("another owner", asked.run_id)
    begin(store, asked)


def test_abandoning_frees_what_the_run_holds(store: PostgreSQLStore) -> None:
    asked, sent_before = request(), Sending(time.time(), 30)
    begin(store, asked)
    with sent_as(sent_before):
        store.runs.abandon(OWNER, asked.run_id)
    store.runs.abandon("another owner", asked.run_id)
    with pytest.raises(SessionBusyError):
        store.runs.begin(OWNER, request())
    store.runs.abandon(OWNER, asked.run_id)
    begin(store, request())
    assert store.runs.read(OWNER, asked.run_id).status == "failed"


@pytest.mark.parametrize("skew_seconds", [-3600, -40, 0.5, 40, 3600])
def test_a_clients_wrong_clock_costs_it_one_more_round_trip(store: PostgreSQLStore, skew_seconds: float) -> None:
    clock = store._database._clock
    clock.learn(clock.now() + skew_seconds)
    begin(store, request())
    assert store.round_trips == 2
    begin(store, request(session_id="another"))
    assert store.round_trips == 3


@pytest.mark.parametrize(
    "sizes", [[90_000], [60_000] * 3, [200_000, 10, 10], [10, 200_000, 10], [5_000] * 200], ids=len
)
def test_a_window_of_any_size_is_begun_whole(store: PostgreSQLStore, sizes: list[int]) -> None:
    bodies = [f'{{"role":"user","content":[{{"text":"{"x" * size}"}}]}}' for size in sizes]
    first = request()
    begin(store, first)
    store.runs.write(OWNER, turn(first, *bodies))
    begun = begin(store, request())
    assert [message.message for message in begun.messages] == bodies


def test_an_agent_of_any_size_is_begun_whole(store: PostgreSQLStore) -> None:
    state = f'{{"notes":"{"x" * 200_000}"}}'
    agent = AgentRecord("default", state, "{}", "{}", NOW, NOW)
    first = request()
    begin(store, first)
    store.runs.write(OWNER, turn(first, '{"role":"user","content":[]}', created_agents=[agent]))
    begun = begin(store, request())
    assert begun.agent is not None
    assert (begun.agent.state, begun.agent.message_count, len(begun.messages)) == (state, 1, 1)


def test_who_does_not_read_the_answer_of_its_begin_keeps_nobody_waiting(
    store: PostgreSQLStore, database_url: str
) -> None:
    """As a client that is stopped (SIGSTOP): its kernel takes what its buffers hold, and it reads nothing."""
    first = request()
    begin(store, first)
    store.runs.write(OWNER, turn(first, *[f'{{"role":"user","content":[{{"text":"{"x" * 3_000_000}"}}]}}'] * 10))
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        frozen, sending = request(), Sending(time.time(), 30)
        values = frozen._asdict() | sending._asdict() | asdict(NO_BUDGET)
        names = {name: str(value) if value is not None else None for name, value in values.items()}
        text, order = _numbered(StatementNames(None).fill(BEGIN).decode(), {"owner": OWNER, **names})
        connection.pgconn.send_query_params(text, order)
        connection.pgconn.flush()
        wait_until(lambda: has_begun(store, frozen))
        with pytest.raises(SessionBusyError) as busy:
            store.runs.begin(OWNER, request())
    assert busy.value.run_id == frozen.run_id


def has_begun(store: PostgreSQLStore, of: RunRequest) -> bool:
    try:
        return store.runs.read(OWNER, of.run_id).status == "running"
    except RunNotFoundError:
        return False


def _numbered(statement: str, parameters: dict[str, str | None]) -> tuple[bytes, list[bytes | None]]:
    order: list[bytes | None] = []
    for name, value in parameters.items():
        if f"%({name})s" in statement:
            order.append(None if value is None else value.encode())
            statement = statement.replace(f"%({name})s", f"${len(order)}")
    return statement.encode(), order
