"""The HTTP transport ends with its caller's time, whatever the session backend or the way to it does."""

import socket
import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from session_store.errors import StoreUnavailableError
from session_store.http import HttpStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from session_store.time_limit import time_limit
from tests.contract.records import session
from tests.support.relay import Fate, Relay

OWNER = "alice"
LIMIT_SECONDS = 0.5


@contextmanager
def limited() -> Generator[None]:
    started = time.monotonic()
    with time_limit(started + LIMIT_SECONDS), pytest.raises(StoreUnavailableError):
        yield
    assert time.monotonic() - started < LIMIT_SECONDS + 0.6


@pytest.mark.parametrize("fate", ["answer after 1.5 s", "drip"])
def test_an_answer_that_is_not_whole_in_time_is_given_up(store: HttpStore, relay: Relay, fate: Fate) -> None:
    store.sessions.create(OWNER, session(f"s-{uuid.uuid4()}"))
    relay.fates.append(fate)
    with limited():
        store.sessions.list(OWNER)
    assert store.sessions.list(OWNER).sessions  # the next request has its own time, and its own connection


def test_a_server_that_accepts_and_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = HttpStore(StoreSettings(url=f"http://127.0.0.1:{listener.getsockname()[1]}"))
        with limited():
            silent.sessions.list(OWNER)
        silent.close()


def test_a_request_that_another_threads_request_holds_up_is_given_up(store: HttpStore, relay: Relay) -> None:
    relay.fates.append("answer after 1.5 s")
    other = threading.Thread(target=store.sessions.list, args=(OWNER,))
    other.start()
    while not relay.requests:
        time.sleep(0.01)
    with limited():
        store.sessions.list(OWNER)
    other.join()


def test_nothing_is_sent_when_the_time_is_over(store: HttpStore, relay: Relay) -> None:
    with time_limit(time.monotonic() - 1), pytest.raises(StoreUnavailableError):
        store.sessions.list(OWNER)
    assert relay.requests == []


def test_a_run_whose_deadline_passes_in_its_begin_is_unavailable_in_time(store: HttpStore, relay: Relay) -> None:
    repository = PostgreSQLSessionRepository(owner=OWNER, store=store)
    relay.fates.append("answer after 1.5 s")
    started = time.monotonic()
    with pytest.raises(StoreUnavailableError), repository.run(f"s-{uuid.uuid4()}", deadline=started + LIMIT_SECONDS):
        pytest.fail("it has not begun")
    assert time.monotonic() - started < LIMIT_SECONDS + 2.5
