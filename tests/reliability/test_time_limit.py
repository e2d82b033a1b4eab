"""A turn ends in its time, whatever the database does with it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from session_store.errors import RunDeadlineError, StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.settings import StoreSettings
from tests.reliability.turns import OWNER, agent_of
from tests.support.scripted_model import ScriptedModel, Turn, WaitFor
from turns.engine import TurnEngine
from turns.projections import whole
from turns.request import TurnRequest

PATIENT_SECONDS = 60


@dataclass
class SlowDatabase:
    """A way to the database that holds connections back, or their bytes."""

    target: tuple[str, int]
    connect_seconds: float = 0.0
    is_silent: bool = False
    sockets: list[socket.socket] = field(default_factory=list[socket.socket])

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        time.sleep(self.connect_seconds)
        server = socket.create_connection(self.target)
        self.sockets += [client, server]
        threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
        self._pump(server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                while self.is_silent:
                    time.sleep(0.01)
                sink.sendall(data)
        except OSError:
            pass


@pytest.fixture
def slow(database_url: str) -> Iterator[tuple[SlowDatabase, PostgreSQLStore]]:
    address = database_url.split("@")[1].split("/")[0]
    host, _, port = address.partition(":")
    database = SlowDatabase((host, int(port)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=database.serve, args=(listener,), daemon=True).start()
        url = database_url.replace(address, f"127.0.0.1:{listener.getsockname()[1]}")
        store = PostgreSQLStore(StoreSettings(url=url, connect_timeout_seconds=PATIENT_SECONDS))
        yield database, store
        store.close()
        database.is_silent = False
        for each in database.sockets:
            each.close()


def ask(store: PostgreSQLStore, seconds: float, *script: Turn) -> str:
    model = ScriptedModel(*(script or ("answer",)))
    engine = TurnEngine(store, lambda turn: agent_of(turn.session_manager, model))
    request = TurnRequest(OWNER, "user-123", "Hello", None, None, time.monotonic() + seconds)
    return whole.answer(engine.run(request))["response"]


@contextmanager
def ended_within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def test_a_slow_first_connection_takes_of_the_turns_time(slow: tuple[SlowDatabase, PostgreSQLStore]) -> None:
    database, store = slow
    database.connect_seconds = 1.0
    with ended_within(4), pytest.raises(RunDeadlineError):
        ask(store, 2.0, [WaitFor(Path("/nowhere/never"))])
    assert ask(store, PATIENT_SECONDS) == "answer"  # the session is free


@pytest.mark.parametrize("fault", ["connects too late", "never answers"])
def test_a_database_that_takes_too_long_is_unavailable_in_time(
    slow: tuple[SlowDatabase, PostgreSQLStore], fault: str
) -> None:
    database, store = slow
    if fault == "never answers":
        assert ask(store, PATIENT_SECONDS) == "answer"
        database.is_silent = True
    else:
        database.connect_seconds = 30.0
    with ended_within(5), pytest.raises(StoreUnavailableError):
        ask(store, 1.0)


def test_a_database_that_falls_silent_during_a_turn_does_not_hold_it(
    slow: tuple[SlowDatabase, PostgreSQLStore],
) -> None:
    database, store = slow

    def fall_silent(messages: object) -> str:
        database.is_silent = True
        return "never stored"

    with ended_within(8), pytest.raises((StoreUnavailableError, RunDeadlineError)):
        ask(store, 1.5, fall_silent)
