"""32 processes that wait for one session, of which some are killed: `make soak-waiters`.

Each process that ends is followed by another, until enough runs were served. Those that waited at the same time must
have been served in the order in which they came, and nobody who was not killed may be left without a turn.
"""

import argparse
import random
import sys
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any

import psycopg

from local.database import temporary_database
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.processes import Worker

WAITERS, LEASE_SECONDS, WAIT_SECONDS = 32, 1.0, 300.0
TURN_SECONDS = (0.0, 0.1)


def wait_for_a_turn(url: str, pipe: Connection) -> None:
    store = PostgreSQLStore(StoreSettings(url=url))
    repository = PostgreSQLSessionRepository(store=store)
    with repository.run("shared", lease_seconds=LEASE_SECONDS, if_busy="wait", wait_seconds=WAIT_SECONDS):
        time.sleep(random.uniform(*TURN_SECONDS))
    store.close()
    pipe.send("served")


class Crowd:
    def __init__(self, url: str, connection: "psycopg.Connection[Any]", seed: int) -> None:
        self.served = self.killed = 0
        self.arrivals: dict[str, float] = {}
        self._url, self._connection, self._random = url, connection, random.Random(seed)
        self._workers = [self._start() for _ in range(WAITERS)]

    def go_on_until(self, served: int) -> None:
        while self.served < served:
            self._note_arrivals()
            if self._random.random() < 0.05:
                self._replace(self._random.randrange(WAITERS))
                self.killed += 1
            for number, worker in enumerate(self._workers):
                if worker.has_spoken():
                    assert worker.last_word() == "served"
                    self.served += 1
                    self._workers[number] = self._start()
            time.sleep(0.02)

    def end(self) -> None:
        for worker in self._workers:
            worker.kill()

    def find_overtaken(self) -> list[str]:
        """Runs that were served before one that had come earlier."""
        rows = self._connection.execute("SELECT run_id::text FROM runs ORDER BY fence").fetchall()
        served = [run_id for (run_id,) in rows if run_id in self.arrivals]
        return [later for earlier, later in pairwise(served) if self.arrivals[later] < self.arrivals[earlier]]

    def _note_arrivals(self) -> None:
        rows = self._connection.execute("SELECT run_id::text, extract(epoch FROM arrived_at)::float8 FROM waiting_runs")
        self.arrivals.update(rows.fetchall())

    def _replace(self, number: int) -> None:
        self._workers[number].kill()
        self._workers[number] = self._start()

    def _start(self) -> Worker:
        return Worker(wait_for_a_turn, self._url)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    started = time.monotonic()
    with temporary_database({"fsync": "off"}) as server, psycopg.connect(server.url, autocommit=True) as connection:
        apply_migrations(connection)
        crowd = Crowd(server.url, connection, arguments.seed)
        try:
            crowd.go_on_until(arguments.runs)
        finally:
            crowd.end()
        overtaken = crowd.find_overtaken()
    sys.stdout.write(
        f"seed {arguments.seed}: {crowd.served} served, {crowd.killed} killed, {len(overtaken)} overtaken"
        f" in {time.monotonic() - started:.0f} s\n"
    )
    sys.exit(bool(overtaken))


if __name__ == "__main__":
    main()
