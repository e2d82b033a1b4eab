"""A server that is asked to end, or is killed, amid turns: none is lost, none is done twice, no lease stays."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.server import Server, serving
from tests.support.waiting import wait_until

QUICK, LONG, KILLED = 25, 25, 10
Answers = list[Future[httpx.Response]]


class Leases:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def count(self) -> int:
        counted = self._connection.execute("SELECT count(*) FROM sessions WHERE lease_until > clock_timestamp()")
        return counted.fetchall()[0][0]

    def run_out(self) -> None:
        """What takes 30 s otherwise."""
        self._connection.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")

    def messages_in_sessions(self) -> set[int]:
        counts = self._connection.execute("SELECT count(*) FROM messages GROUP BY session_key").fetchall()
        return {count for (count,) in counts}


@pytest.fixture
def leases(shared_database_url: str) -> Iterator[Leases]:
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        yield Leases(connection)


@pytest.fixture(scope="module")
def next_server(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """To which clients turn when theirs has ended."""
    with serving(tmp_path_factory.mktemp("next"), shared_database_url) as server:
        yield server


def begin_turns(threads: ThreadPoolExecutor, server: Server, go_on: Path, count: int) -> Answers:
    """Turns that wait for a file, each in a session and with a key of its own."""
    return [
        threads.submit(send, server, f"{go_on.name}-{number}", f"wait-for: {go_on}\nsay: done")
        for number in range(count)
    ]


def send(server: Server, session_id: str, prompt: str) -> httpx.Response:
    body, headers = {"prompt": prompt, "session_id": session_id}, {"Idempotency-Key": session_id}
    return httpx.post(f"{server.url}/process", json=body, headers=headers, timeout=60)


def begin_background_run(server: Server, go_on: Path) -> str:
    body = {"prompt": f"wait-for: {go_on}\nsay: done", "session_id": "background"}
    return httpx.post(f"{server.url}/runs", json=body).json()["run_id"]


def watch(server: Server, run_id: str, is_watching: threading.Event) -> str:
    with httpx.stream("GET", f"{server.url}/runs/{run_id}/events", timeout=60) as response:
        is_watching.set()
        return "".join(response.iter_text())


def assert_done(answers: Answers) -> None:
    said = [(answer.result().status_code, answer.result().json().get("response")) for answer in answers]
    assert said == [(200, "done")] * len(answers)


def test_turns_have_their_time_and_are_given_back_when_a_server_is_asked_to_end(
    shared_database_url: str, next_server: Server, leases: Leases, tmp_path: Path
) -> None:
    quick_file, long_file = tmp_path / "quick", tmp_path / "long"
    with (
        serving(tmp_path, shared_database_url, SHUTDOWN_SECONDS="2") as server,
        ThreadPoolExecutor(QUICK + LONG + 1) as threads,
    ):
        quick = begin_turns(threads, server, quick_file, QUICK)
        long = begin_turns(threads, server, long_file, LONG)
        nobody_waits = begin_background_run(server, long_file)
        wait_until(lambda: leases.count() == QUICK + LONG + 1)
        watched = threads.submit(watch, server, nobody_waits, is_watching := threading.Event())
        assert is_watching.wait(30)
        server.process.terminate()
        quick_file.touch()
        assert server.process.wait(30) == 0
        ended = time.monotonic()
        assert_done(quick)
        refused = {(answer.result().status_code, answer.result().json()["code"]) for answer in long}
        assert refused == {(503, "service_stopping")}
        wait_until(lambda: leases.count() == 0)
        assert time.monotonic() - ended < 5
        assert "service_stopping" in watched.result()
        background_run = httpx.get(f"{next_server.url}/runs/{nobody_waits}").json()
        assert (background_run["status"], background_run["error_code"]) == ("failed", "service_stopping")

        long_file.touch()
        assert_done(begin_turns(threads, next_server, quick_file, QUICK))
        assert_done(begin_turns(threads, next_server, long_file, LONG))
    assert leases.messages_in_sessions() == {2}  # none of the background run: it was not repeated


def test_turns_of_a_killed_server_are_repeated_by_their_keys(
    shared_database_url: str, next_server: Server, leases: Leases, tmp_path: Path
) -> None:
    go_on = tmp_path / "killed"
    with serving(tmp_path, shared_database_url) as server, ThreadPoolExecutor(KILLED) as threads:
        lost = begin_turns(threads, server, go_on, KILLED)
        wait_until(lambda: leases.count() == KILLED)
        server.process.kill()
        assert all(isinstance(answer.exception(), httpx.TransportError) for answer in lost)
        assert leases.count() == KILLED

        leases.run_out()
        go_on.touch()
        assert_done(begin_turns(threads, next_server, go_on, KILLED))
    assert leases.messages_in_sessions() == {2}
