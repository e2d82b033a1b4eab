"""One connection a process: also in one that was forked off another, or whose connection was ended while it idled."""

import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from session_store._database import Database
from session_store.settings import StoreSettings

LIMIT_SECONDS = 20


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(StoreSettings(url=url))
    yield opened
    opened.close()


def in_a_fork(work: Callable[[], None]) -> int:
    """The exit status of a child that does the work."""
    child = os.fork()
    if child == 0:
        signal.alarm(LIMIT_SECONDS)  # nobody waits forever for a child that is stuck
        try:
            work()
        except BaseException:  # noqa: BLE001 - told by the exit status: this process is none of pytest's
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_process_talks_on_a_connection_of_its_own(database: Database) -> None:
    """As a web server forks its workers after it has loaded the application."""
    port = _local_port(database)

    def work() -> None:
        assert _local_port(database) != port
        database.close()

    with database._taken():  # as when another thread works with it at that moment
        assert in_a_fork(work) == 0
    assert _local_port(database) == port


def _local_port(database: Database) -> int:
    """Of the socket: a pooler may give the same backend to both."""
    database.fetch("SELECT 1", {})
    with database._taken() as place:
        descriptor = os.dup(place.connection().fileno())
    with socket.socket(fileno=descriptor) as connected:
        return connected.getsockname()[1]


def test_a_connection_that_the_server_ended_for_its_idleness_is_replaced(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET idle_session_timeout = '100 ms'").format(name))
    database = Database(StoreSettings(url=database_url))
    before = database.fetch("SELECT pg_backend_pid()", {}).rows
    time.sleep(0.5)
    after, repeated = database.fetch("SELECT pg_backend_pid()", {})
    assert (after != before, repeated) == (True, True)
    database.close()
