"""Streams that are watched while processes die: `make soak-streams`, `ARGS="--streams 300"`.

Each stream has its caller, who may hang up, and two watchers, who hang up and rejoin at random. Meanwhile the runtime
processes are killed, and PostgreSQL is restarted. What each watcher pieces together is compared with what is stored.
"""

import argparse
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import httpx
import psycopg

from local.database import EmbeddedDatabase, temporary_database
from local.gateway import Gateway, Limits
from session_store.migrate import apply_migrations
from tests.benchmarks.paced_model import PacedModel

AT_ONCE, LIMIT_SECONDS = 3, 120.0
SECONDS_BETWEEN_FAULTS = (5.0, 12.0)
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
            assert pieces == stored, f"seed {seed}: run {run_id} was pieced together otherwise"
        common = min(len(seen), len(stored) - 1)
        assert seen[:common] == stored[:common], f"seed {seed}: run {run_id} was streamed otherwise"
        return "finished" if "RUN_FINISHED" in stored[-1] else "failed or interrupted"


def break_things(gateway: Gateway, server: EmbeddedDatabase, ended: threading.Event, chance: random.Random) -> None:
    while not ended.wait(chance.uniform(*SECONDS_BETWEEN_FAULTS)):
        if chance.random() < 0.7:
            gateway.restart_functions()
        else:
            server.stop()
            server.start()


def run(streams: int, seed: int) -> Counter[str]:
    ended = threading.Event()
    with temporary_database({"fsync": "off"}) as server:
        with psycopg.connect(server.url) as connection:
            apply_migrations(connection)
        environment = {
            "SESSION_BACKEND_URL": server.url,
            "MODEL_PROVIDER": "tests.reliability.watched_streams:build",
            "AGENT_FACTORY": "tests.support.agent:build_agent",
        }
        limits = Limits(throttle_seconds=60, concurrency=2 * AT_ONCE)
        with Gateway(environment, port=0, backend_port=0, limits=limits) as gateway, ThreadPoolExecutor() as threads:
            chance = random.Random(seed)
            breaking = threads.submit(break_things, gateway, server, ended, chance)
            with ThreadPoolExecutor(AT_ONCE) as callers:
                watched = [callers.submit(watch_one, gateway.url, seed + number * 10) for number in range(streams)]
                ends = Counter(future.result() for future in watched)
            ended.set()
            breaking.result()
    return ends


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    ends = run(arguments.streams, arguments.seed)
    sys.stdout.write(f"seed {arguments.seed}: {dict(ends)}; no gap, no double, the same end for every watcher\n")


if __name__ == "__main__":
    main()
