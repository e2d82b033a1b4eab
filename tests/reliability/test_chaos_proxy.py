"""The chaos proxy itself: each fault does what its name says, on each way to a server."""

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from local.gateway import Gateway
from session_store.http import HttpStore
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.contract.records import session
from tests.reliability.chaos import CALM, Chaos
from tests.reliability.chaos_proxy import ChaosProxy
from tests.reliability.turns import OWNER, agent_of, history, texts
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import wait_until

INSERT = "INSERT INTO marks VALUES ('here')"
Watch = "psycopg.Connection[Any]"


@pytest.fixture
def proxy(url: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: ChaosProxy, watch: Watch) -> Iterator[Watch]:
    """Connected through the proxy; `watch` is not."""
    watch.execute("CREATE TABLE marks (word text)")
    with psycopg.connect(proxy.url, autocommit=True, prepare_threshold=None) as connection:
        yield connection


def marks(watch: Watch) -> int:
    row = watch.execute("SELECT count(*) FROM marks").fetchone()
    assert row
    return row[0]


def test_without_chaos_everything_passes(client: Watch, watch: Watch, proxy: ChaosProxy) -> None:
    client.execute(INSERT)

    assert client.execute("SELECT repeat('x', 3000000)").fetchone() == ("x" * 3_000_000,)
    assert (marks(watch), proxy.counts) == (1, {})


@pytest.mark.parametrize(("fault", "stored"), [("cut", 0), ("lose the answer", 1), ("cut the answer", 1)])
def test_connection_ends_before_the_statement_or_after_it(
    fault: Any, stored: int, client: Watch, watch: Watch, proxy: ChaosProxy
) -> None:
    proxy.plan(fault, b"INSERT INTO marks")

    with pytest.raises(psycopg.OperationalError):
        client.execute(INSERT)

    assert (marks(watch), proxy.counts) == (stored, {fault: 1})


def test_late_statement_is_carried_out_after_its_client_has_given_up(
    client: Watch, watch: Watch, proxy: ChaosProxy
) -> None:
    proxy.change(Chaos(late_seconds=(60, 60)))
    proxy.plan("deliver late", b"INSERT INTO marks")

    with pytest.raises(psycopg.OperationalError):
        client.execute(INSERT)
    assert marks(watch) == 0

    assert proxy.deliver() == 1
    assert marks(watch) == 1
    assert proxy.deliver() == 0


def test_late_statement_arrives_whole_by_itself(client: Watch, watch: Watch, proxy: ChaosProxy) -> None:
    proxy.change(Chaos(late_seconds=(0.2, 0.2)))
    proxy.plan("deliver late", b"INSERT INTO marks")

    with pytest.raises(psycopg.OperationalError):
        client.execute("INSERT INTO marks VALUES (%s)", ["x" * 3_000_000])
    proxy.deliver()

    row = watch.execute("SELECT length(word) FROM marks").fetchone()
    assert row == (3_000_000,)


def test_silence_lasts_until_the_client_gives_up(client: Watch, watch: Watch, proxy: ChaosProxy) -> None:
    proxy.plan("silence", b"INSERT INTO marks")
    giving_up = threading.Timer(0.3, client.pgconn.finish)
    giving_up.start()

    with pytest.raises(psycopg.OperationalError):
        client.execute(INSERT)

    giving_up.join()
    assert marks(watch) == 0


def test_partition_holds_every_connection_up_and_then_lets_all_pass(
    client: Watch, watch: Watch, proxy: ChaosProxy
) -> None:
    proxy.plan("partition", b"INSERT INTO marks")
    proxy.change(Chaos(partition_seconds=(0.4, 0.4)))
    began = time.monotonic()

    inserting = threading.Thread(target=client.execute, args=[INSERT])
    inserting.start()
    time.sleep(0.1)
    with psycopg.connect(proxy.url, autocommit=True) as other:
        other.execute(INSERT)
    inserting.join()

    assert time.monotonic() - began > 0.4
    assert marks(watch) == 2


def test_same_seed_brings_the_same_faults_again(url: str) -> None:
    def faults(seed: int) -> list[bool]:
        with ChaosProxy(url, Chaos(cut=0.3), seed) as proxy:
            return [_fails(proxy.url) for _ in range(12)]

    first = faults(7)

    assert faults(7) == first
    assert faults(8) != first
    assert {True, False} == set(first)


def test_chance_draws_each_fault_about_as_often_as_it_should() -> None:
    chance = random.Random(1)
    chaos = Chaos(delay=0.1, cut=0.1, lose_answer=0.1, cut_answer=0.1, deliver_late=0.1, silence=0.1, partition=0.1)

    drawn = [chaos.choose(chance) for _ in range(10_000)]

    assert len(set(drawn)) == 8
    assert all(800 < drawn.count(fault) < 1200 for fault in set(drawn) - {None})


def test_session_backend_is_reached_through_it(database_url: str) -> None:
    with (
        Gateway({"SESSION_BACKEND_URL": database_url}, port=0, backend_port=0) as gateway,
        ChaosProxy(gateway.backend_url) as proxy,
    ):
        store = HttpStore(StoreSettings(url=proxy.url))
        for fault in ("lose the answer", "cut the answer", "cut"):
            proxy.plan(fault, b"POST /api/v1/sessions")
            store.sessions.create(OWNER, session(fault))
        stored = [store.sessions.read(OWNER, name) is not None for name in ("lose the answer", "cut the answer", "cut")]
        store.close()

    assert stored == [True] * 3
    assert sum(proxy.counts.values()) == 3


def test_turns_hold_under_every_fault_at_once(url: str, proxy: ChaosProxy, watch: Watch) -> None:
    chaos = Chaos(delay=0.1, cut=0.05, lose_answer=0.05, cut_answer=0.05, deliver_late=0.05, late_seconds=(0.02, 0.3))
    store = PostgreSQLStore(StoreSettings(url=proxy.url))
    repository = PostgreSQLSessionRepository(store=store)
    acknowledged: list[str] = []
    proxy.change(chaos)
    for number in range(40):
        if _holds(repository, f"prompt {number}"):
            acknowledged.append(f"prompt {number}")
    proxy.change(CALM)
    proxy.deliver()
    wait_until(lambda: _holds(repository, "the last"))
    stored = texts(history(store, "s"))
    store.close()

    assert sum(proxy.counts.values()) > 10
    assert len(acknowledged) > 10
    assert [prompt for prompt in stored if prompt in acknowledged] == acknowledged


def _fails(url: str) -> bool:
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def _holds(repository: PostgreSQLSessionRepository, prompt: str) -> bool:
    try:
        with repository.run("s", lease_seconds=0.5) as run:
            agent_of(run.session_manager, ScriptedModel("answer"))(prompt)
    except Exception:  # noqa: BLE001 - what the turn died of is not the point here
        time.sleep(0.1)  # the lease of a run that died
        return False
    return True
