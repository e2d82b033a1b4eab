"""Streams that are watched while processes die: `make soak-streams`, `ARGS="--streams 100 --pooled --seed 7"`.

Each stream has its caller, who may hang up, and two watchers, who hang up and rejoin at random. Meanwhile processes of
the functions are killed, the connections to the gateway cut, and PostgreSQL and pgbouncer restarted. What each watcher
pieces together is compared with what is stored.
"""

import argparse
import logging
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice, zip_longest
from typing import NamedTuple

import httpx
import psycopg

from local.database import EmbeddedDatabase, temporary_database
from local.gateway import Gateway, Limits
from session_store.migrate import apply_migrations
from tests.benchmarks.paced_model import PacedModel
from tests.reliability.chaos_proxy import ChaosProxy
from tests.reliability.pooler import Pooler, running_pooler

AT_ONCE, LIMIT_SECONDS = 8, 120.0
SECONDS_BETWEEN_FAULTS = (0.5, 2.5)
# That a run is dead is known once its lease is over: here after 8 s instead of 30.
SHORT_LEASES = """
    CREATE FUNCTION shorten_lease() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.lease_until := least(NEW.lease_until, clock_timestamp() + interval '8 s');
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER shorten_lease BEFORE UPDATE ON sessions
        FOR EACH ROW WHEN (NEW.lease_until IS NOT NULL) EXECUTE FUNCTION shorten_lease();
"""
ENDS = ("RUN_FINISHED", "RUN_ERROR")
FAULTS = (httpx.TransportError, httpx.HTTPStatusError)


class SlowModel(PacedModel):
    seconds_a_token = 0.02
    tokens = 100


def build() -> SlowModel:
    """Of `MODEL_PROVIDER`, in the runtime processes."""
    return SlowModel()


def frames(response: httpx.Response) -> Iterator[str]:
    frame: list[str] = []
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            frame.append(line)
        elif frame:
            yield "\n".join(frame)
            frame = []


def has_ended(pieces: list[str]) -> bool:
    return bool(pieces) and any(f'"type":"{end}"' in pieces[-1] for end in ENDS)


class Watcher:
    """Reads some of a stream, hangs up, and goes on behind what it has, until the run's end."""

    def __init__(self, api: httpx.Client, run_id: str, chance: random.Random) -> None:
        self._api, self._run_id, self._chance = api, run_id, chance
        self.pieces: list[str] = []

    def read_all(self) -> list[str]:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not has_ended(self.pieces) and time.monotonic() < deadline:
            try:
                self._read_some()
            except FAULTS:
                time.sleep(0.2)
        return self.pieces

    def _read_some(self) -> None:
        headers = {"Last-Event-ID": str(len(self.pieces))}
        with self._api.stream("GET", f"/runs/{self._run_id}/events", headers=headers) as response:
            response.raise_for_status()
            for frame in islice(frames(response), self._chance.randint(5, 200)):
                self.pieces.append(frame)


def call(api: httpx.Client, session_id: str, chance: random.Random) -> tuple[str, list[str]] | None:
    """The caller's part: the run's id, and the frames that came until it hung up or was cut off.

    It sends its request again until a run begins, or gives up: None.
    """
    seen: list[str] = []
    body = {"prompt": "Go on", "session_id": session_id}
    run_id = None
    deadline = time.monotonic() + LIMIT_SECONDS
    while run_id is None and time.monotonic() < deadline:
        try:
            with api.stream("POST", "/process-streaming", json=body) as response:
                response.raise_for_status()
                run_id = response.headers["Run-Id"]
                seen.extend(islice(frames(response), chance.randint(2, 150)))
        except FAULTS:
            time.sleep(0.5)
    return None if run_id is None else (run_id, seen)


def differ(pieces: list[str], stored: list[str]) -> str:
    """Where they do."""
    number, pair = next((n, pair) for n, pair in enumerate(zip_longest(pieces, stored), start=1) if pair[0] != pair[1])
    return f"at frame {number}: {pair[0]!r}, not {pair[1]!r}"


def watch_one(url: str, seed: int) -> str:
    """How the run ended; raises `AssertionError` for a gap, a double or another end."""
    chance = random.Random(seed)
    with httpx.Client(base_url=url, timeout=30) as api, ThreadPoolExecutor() as threads:
        called = call(api, uuid.UUID(int=chance.getrandbits(128)).hex, chance)
        if called is None:
            return "never began"
        run_id, seen = called
        watchers = [Watcher(api, run_id, random.Random(seed + number)) for number in (1, 2)]
        pieced = [future.result() for future in [threads.submit(watcher.read_all) for watcher in watchers]]
        stored = Watcher(api, run_id, random.Random(0)).read_all()
        assert has_ended(stored), f"seed {seed}: run {run_id} has no end"
        for pieces in pieced:
            assert pieces == stored, (
                f"seed {seed}: run {run_id} was pieced together otherwise, {differ(pieces, stored)}"
            )
        common = min(len(seen), len(stored) - 1)
        assert seen[:common] == stored[:common], f"seed {seed}: run {run_id} was streamed otherwise"
        return "finished" if "RUN_FINISHED" in stored[-1] else "failed or interrupted"


class Faults:
    """What happens to the stack at random moments; `counts` says how often each did."""

    def __init__(self, stack: "Stack", seed: int) -> None:
        self.counts = Counter[str]()
        self._stack, self._chance = stack, random.Random(seed)
        self._are_over = threading.Event()

    def stop(self) -> None:
        self._are_over.set()

    def run(self) -> None:
        while not self._are_over.wait(self._chance.uniform(*SECONDS_BETWEEN_FAULTS)):
            works = {self._kill: 12, self._cut: 4, self._restart: 1, self._kill_pooler: int(bool(self._stack.pooler))}
            [fault] = self._chance.choices(list(works), list(works.values()))
            fault()

    def _kill(self) -> None:
        if process_ids := self._stack.gateway.process_ids():
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(process_ids), signal.SIGKILL)
            self.counts["runtime processes killed"] += 1

    def _cut(self) -> None:
        self._stack.network.cut()
        self.counts["times all connections to the gateway cut"] += 1

    def _restart(self) -> None:
        self._stack.server.stop(self._chance.choice([signal.SIGINT, signal.SIGQUIT]))
        self._stack.server.start()
        self.counts["restarts of PostgreSQL"] += 1

    def _kill_pooler(self) -> None:
        if self._stack.pooler:
            self._stack.pooler.kill()
            self._stack.pooler.start()
            self.counts["kills of pgbouncer"] += 1


class Stack(NamedTuple):
    server: EmbeddedDatabase
    pooler: Pooler | None
    gateway: Gateway
    network: ChaosProxy


@contextmanager
def running_stack(*, is_pooled: bool) -> Generator[Stack]:
    with ExitStack() as opened:
        # Processes are killed here, never the machine: fsync would only cost time.
        server = opened.enter_context(temporary_database({"fsync": "off", "max_connections": "100"}))
        with psycopg.connect(server.url) as connection:
            apply_migrations(connection)
            connection.execute(SHORT_LEASES)
        pooler = opened.enter_context(running_pooler(server.url)) if is_pooled else None
        environment = {
            "SESSION_BACKEND_URL": pooler.url_of(server.url) if pooler else server.url,
            "MODEL_PROVIDER": "tests.reliability.watched_streams:build",
            "AGENT_FACTORY": "tests.support.agent:build_agent",
        }
        limits = Limits(throttle_seconds=60, concurrency=3 * AT_ONCE)
        gateway = opened.enter_context(Gateway(environment, port=0, backend_port=0, limits=limits))
        yield Stack(server, pooler, gateway, opened.enter_context(ChaosProxy(gateway.url)))


def run(streams: int, limit_seconds: float, seed: int, *, is_pooled: bool) -> tuple[Counter[str], Counter[str]]:
    """How the streams ended, and what happened meanwhile; those whose turn has not come in time are left out."""
    until = time.monotonic() + limit_seconds

    def watch_in_time(number: int) -> str:
        return "left out" if time.monotonic() > until else watch_one(url, seed + number * 10)

    with running_stack(is_pooled=is_pooled) as stack, ThreadPoolExecutor(1) as breaking:
        faults = Faults(stack, seed)
        broken = breaking.submit(faults.run)
        try:
            url = stack.network.url.rstrip("/")
            with ThreadPoolExecutor(AT_ONCE) as callers:
                ends = Counter(callers.map(watch_in_time, range(streams)))
        finally:
            faults.stop()
        broken.result()
    return ends, faults.counts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--limit-seconds", type=float, default=330, help="begin no further stream after that")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pooled", action="store_true", help="through pgbouncer")
    arguments = parser.parse_args()
    logging.getLogger("local.gateway").setLevel(logging.CRITICAL)  # what it says of each process that is killed
    started = time.monotonic()
    ends, counts = run(arguments.streams, arguments.limit_seconds, arguments.seed, is_pooled=arguments.pooled)
    sys.stdout.write(
        f"seed {arguments.seed}: {dict(ends)} in {time.monotonic() - started:.0f} s under {dict(counts)}; "
        "no gap, no double, the same end for every watcher\n"
    )


if __name__ == "__main__":
    main()
