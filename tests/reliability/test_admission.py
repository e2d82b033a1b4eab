"""Which run gets a session, and how many an owner may begin: on a real database, by several clients at once."""

import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from session_store.errors import BudgetExhaustedError, RunCancelledError, SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, IfBusy, RunRequest
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import OwnerBudget, StoreSettings
from tests.contract.runs import begin, commit, request
from tests.support.waiting import wait_until

OWNER = "alice"


def ask(store: PostgreSQLStore, asked: RunRequest) -> BegunRun | SessionBusyError:
    try:
        begun = store.runs.begin(OWNER, asked)
    except SessionBusyError as busy:
        return busy
    assert isinstance(begun, BegunRun)
    return begun


def waiting(if_busy: IfBusy = "wait") -> RunRequest:
    return request()._replace(if_busy=if_busy)


def test_waiters_are_served_in_the_order_in_which_they_came(store: PostgreSQLStore) -> None:
    holder, first, second = request(), waiting(), waiting()
    begin(store, OWNER, holder)
    positions = [getattr(ask(store, asked), "position", None) for asked in (first, second, first, request())]
    assert positions == [1, 2, 1, 3]
    store.runs.write(OWNER, commit(holder))
    refused = ask(store, request())
    assert isinstance(refused, SessionBusyError)  # the session is free, but not for those who did not wait
    assert isinstance(ask(store, second), SessionBusyError)
    assert isinstance(ask(store, first), BegunRun)
    store.runs.write(OWNER, commit(first))
    assert isinstance(ask(store, second), BegunRun)


def test_waiter_that_asks_no_more_keeps_nobody_waiting(store: PostgreSQLStore, database_url: str) -> None:
    holder, dead, other = request(), waiting(), waiting()
    begin(store, OWNER, holder)
    for asked in (dead, other):
        ask(store, asked)
    store.runs.write(OWNER, commit(holder))
    assert isinstance(ask(store, other), SessionBusyError)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE waiting_runs SET seen_at = clock_timestamp() - interval '4.1 s' WHERE run_id = %s", [dead.run_id]
        )
    assert isinstance(ask(store, other), BegunRun)


def test_thirty_two_waiters_of_whom_many_die_are_served_in_their_order_and_none_starves(
    store: PostgreSQLStore, database_url: str
) -> None:
    chance = random.Random(32)
    holder, *waiters = request(), *(waiting() for _ in range(32))
    begin(store, OWNER, holder)
    for asked in waiters:
        ask(store, asked)
    living, served = list(waiters), list[RunRequest]()
    store.runs.write(OWNER, commit(holder))
    with psycopg.connect(database_url, autocommit=True) as connection:
        while living:
            dead = [asked for asked in living[1:] if chance.random() < 0.05]
            living = [asked for asked in living if asked not in dead]
            connection.execute(
                "UPDATE waiting_runs SET seen_at = clock_timestamp() - interval '4.1 s' WHERE run_id = ANY (%s)",
                [[asked.run_id for asked in dead]],
            )
            begun = [asked for asked in chance.sample(living, len(living)) if isinstance(ask(store, asked), BegunRun)]
            assert begun == living[:1]
            served += begun
            store.runs.write(OWNER, commit(living.pop(0)))
    assert 8 < len(served) < 32
    assert served == [asked for asked in waiters if asked in served]


def test_run_that_waited_for_too_long_leaves_the_queue_and_names_its_place(store: PostgreSQLStore) -> None:
    repository = PostgreSQLSessionRepository(store=store, owner=OWNER)
    holder = request()
    begin(store, OWNER, holder)
    with (
        pytest.raises(SessionBusyError) as busy,
        repository.run("s", if_busy="wait", wait_seconds=0.3),
    ):
        pass
    assert busy.value.position == 1
    store.runs.write(OWNER, commit(holder))
    assert isinstance(ask(store, request()), BegunRun)
    with pytest.raises(SessionBusyError), repository.run("s", if_busy="wait", deadline=time.monotonic() + 5.1):
        pass


def test_interrupt_has_the_running_one_cancelled_and_goes_before_those_who_wait(store: PostgreSQLStore) -> None:
    repository = PostgreSQLSessionRepository(store=store, owner=OWNER)
    began, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with pytest.raises(RunCancelledError), repository.run("s") as run:
            began.set()
            wait_until(lambda: run.is_cancelled)
            ended.set()

    with ThreadPoolExecutor() as threads:
        held = threads.submit(hold)
        began.wait()
        assert isinstance(ask(store, waiting()), SessionBusyError)
        with repository.run("s", if_busy="interrupt"):
            assert ended.is_set()
        held.result()


def test_cancellation_is_seen_within_a_second(store: PostgreSQLStore) -> None:
    repository = PostgreSQLSessionRepository(store=store, owner=OWNER)
    with pytest.raises(RunCancelledError), repository.run("s") as run:
        asked_at = time.monotonic()
        repository.cancel_run(run.run_id)
        wait_until(lambda: run.is_cancelled)
        assert time.monotonic() - asked_at < 1


def with_budget(url: str, **budget: int) -> PostgreSQLStore:
    """With a connection for each of sixteen writers."""
    return PostgreSQLStore(replace(StoreSettings(url=url, pool_size=16), budget=OwnerBudget(**budget)))


def in_threads(count: int, work: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(count) as threads:
        return [future.result() for future in [threads.submit(work) for _ in range(count)]]


def test_owner_begins_no_more_runs_a_minute_than_the_budget_has(database_url: str) -> None:
    store = with_budget(database_url, runs_per_minute=10)

    def begin_one() -> object:
        try:
            return store.runs.begin(OWNER, with_new_session(request()))
        except BudgetExhaustedError as exhausted:
            return exhausted

    results = in_threads(16, begin_one)
    refused = [result for result in results if isinstance(result, BudgetExhaustedError)]
    assert len(refused) == 6
    assert all(0 < error.retry_after_seconds <= 60 and error.runs_left == 0 for error in refused)
    begin(store, "bob", request())
    assert len(store.sessions.list(OWNER).sessions) == 10
    store.close()


def test_begins_of_one_owner_spend_one_after_another(database_url: str) -> None:
    store = with_budget(database_url, runs_per_minute=1)
    with ThreadPoolExecutor(1) as threads, psycopg.connect(database_url, autocommit=True) as another:
        with another.transaction():
            another.execute("SELECT pg_advisory_xact_lock(hashtextextended('budget ' || %s, 0))", [OWNER])
            begun = threads.submit(store.runs.begin, OWNER, request())
            waiting_locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            wait_until(lambda: another.execute(waiting_locks).fetchone() == (1,))
        assert isinstance(begun.result(), BegunRun)
    store.close()


def test_tokens_are_counted_when_runs_end_and_end_with_the_budget(database_url: str) -> None:
    store = with_budget(database_url, tokens_per_day=100)
    asked = request()
    begin(store, OWNER, asked)
    ending = commit(asked)
    assert ending.outcome
    store.runs.write(OWNER, ending._replace(outcome=ending.outcome._replace(input_tokens=80, output_tokens=30)))
    with pytest.raises(BudgetExhaustedError) as exhausted:
        store.runs.begin(OWNER, request())
    assert (exhausted.value.tokens_left, exhausted.value.runs_left) == (-10, None)
    assert 0 < exhausted.value.retry_after_seconds <= 86_400
    (day,) = store.usage.read(OWNER, 1)
    assert day[1:] == (1, 80, 30)
    store.close()


def test_sixteen_writers_spend_no_more_tokens_than_the_budget_and_the_runs_that_were_in_flight(
    database_url: str,
) -> None:
    budget, tokens_a_run, writers = 1_000, 90, 16
    store = with_budget(database_url, tokens_per_day=budget)
    gate = threading.Barrier(writers)

    def spend() -> int:
        gate.wait()
        for count in range(100):
            asked = with_new_session(request())
            try:
                store.runs.begin(OWNER, asked)
            except BudgetExhaustedError:
                return count
            ending = commit(asked)
            assert ending.outcome
            store.runs.write(OWNER, ending._replace(outcome=ending.outcome._replace(input_tokens=tokens_a_run)))
        raise AssertionError("the budget never ended")

    runs = sum(int(str(count)) for count in in_threads(writers, spend))
    (day,) = store.usage.read(OWNER, 1)
    assert (day.runs, day.input_tokens) == (runs, runs * tokens_a_run)
    assert budget <= day.input_tokens < budget + writers * tokens_a_run
    store.close()


def with_new_session(asked: RunRequest) -> RunRequest:
    return asked._replace(session_id=uuid.uuid4().hex)
