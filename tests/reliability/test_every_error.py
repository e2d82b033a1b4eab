"""Whatever PostgreSQL or the way to it does: an error of the store's, in time, and a session that is free again."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from session_store._database_errors import is_transient, translate
from session_store.errors import MessageRedactedError, SessionStoreError, StoreUnavailableError
from session_store.lease import LeaseKeeper
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.chaos_proxy import ChaosProxy
from tests.reliability.turns import hold_turn

PASSING = ["08006", "25006", "25P04", "40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "58030"]


@pytest.fixture
def network(database_url: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(database_url) as proxy:
        yield proxy


def test_every_error_of_psycopg_leaves_as_one_of_the_stores() -> None:
    kinds = [
        kind for kind in vars(psycopg.errors).values() if isinstance(kind, type) and issubclass(kind, psycopg.Error)
    ]
    assert len(kinds) > 200
    assert all(isinstance(translate(kind("x")), SessionStoreError) for kind in kinds)


@pytest.mark.parametrize("sqlstate", [*PASSING, "XX000", "XX001"])
def test_an_error_that_may_pass_is_tried_again_and_says_so(sqlstate: str) -> None:
    error = _error(sqlstate)
    assert is_transient(error)
    assert isinstance(translate(error), StoreUnavailableError)


@pytest.mark.parametrize("sqlstate", ["23505", "42601", "22001", "54000", "42501"])
def test_an_error_that_stays_is_not_tried_again(sqlstate: str) -> None:
    assert not is_transient(_error(sqlstate))


def _error(sqlstate: str) -> psycopg.Error:
    try:
        kind = psycopg.errors.lookup(sqlstate)
    except KeyError:
        kind = type("Unnamed", (psycopg.InternalError,), {})
    error = kind("x")
    error.sqlstate = sqlstate
    return error


def test_a_lease_keeper_survives_whatever_a_renewal_raises() -> None:
    outcomes: list[object] = [ZeroDivisionError(), psycopg.InternalError(), True]
    ended = threading.Event()

    def renew() -> bool:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return True

    keeper = LeaseKeeper(renew, renew, ended.set, 0.01, 0.01)
    keeper.start()
    assert ended.wait(10)
    keeper.stop()
    assert outcomes == []


def test_a_statement_outside_a_run_waits_no_longer_than_it_may(network: ChaosProxy) -> None:
    store = PostgreSQLStore(StoreSettings(url=network.url, statement_timeout_seconds=0.5))
    network.plan("silence", b"sessions")
    started = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        store.sessions.list("default")
    assert time.monotonic() - started < 5
    assert store.sessions.list("default").sessions == []
    store.close()


def test_a_run_whose_end_cannot_be_written_gives_its_session_back(network: ChaosProxy) -> None:
    store = PostgreSQLStore(StoreSettings(url=network.url))
    repository = PostgreSQLSessionRepository(store=store)
    with pytest.raises(ZeroDivisionError), repository.run("user-123"):
        for _ in range(2):
            network.plan("cut", b"write_run_v4")
        raise ZeroDivisionError
    hold_turn(repository, "user-123", "Hello")
    store.close()


def test_what_was_redacted_stays_redacted_within_a_run(store: PostgreSQLStore) -> None:
    repository = PostgreSQLSessionRepository(store=store)
    hold_turn(repository, "user-123", "Hello")
    original = repository.list_messages("user-123", "default")[0]
    redacted = repository.list_messages("user-123", "default")[0]
    redacted.redact_message = {"role": "user", "content": [{"text": "taken back"}]}
    repository.update_message("user-123", "default", redacted)
    with pytest.raises(MessageRedactedError):
        repository.update_message("user-123", "default", original)
    with repository.run("user-123") as run:
        held = run.session_manager.session_repository
        held.read_agent("user-123", "default")
        held.list_messages("user-123", "default")
        with pytest.raises(MessageRedactedError):
            held.update_message("user-123", "default", original)
    stored = repository.list_messages("user-123", "default")[0]
    assert stored.to_message() == redacted.redact_message
