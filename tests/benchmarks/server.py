"""Turns a second and memory of one server process, beside the local gateway: `make bench-server`.

The model answers at once, so that what is measured is the way to it and back: HTTP, begin, restore, write, commit.
"""

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg

from local.database import temporary_database
from local.gateway import Gateway
from session_store.migrate import apply_migrations
from tests.support.agent import FACTORY
from tests.support.server import serving

CONCURRENCIES = (1, 8, 64)
TURNS = 192
WARM_UP = 8
TOO_MANY_AT_ONCE, PAUSE_SECONDS = 429, 0.05  # as Lambda, the gateway has a process for each, and so many at most
MODEL = "tests.support.scripted_model:build"


def measure(url: str, concurrency: int, process_ids: Callable[[], list[int]]) -> tuple[float, float, float, float]:
    """Turns a second, the median's and the 99th percentile's milliseconds, mebibytes of all processes at their most."""
    local = threading.local()

    def turn(number: int) -> float:
        if not hasattr(local, "client"):
            local.client = httpx.Client(base_url=url, timeout=120)
        body = {"prompt": "Hello", "session_id": f"{concurrency}-{number}"}
        started = time.perf_counter()
        while (answer := local.client.post("/process", json=body)).status_code == TOO_MANY_AT_ONCE:
            time.sleep(PAUSE_SECONDS)
        answer.raise_for_status()
        return (time.perf_counter() - started) * 1000

    with ThreadPoolExecutor(concurrency) as threads:
        list(threads.map(turn, range(-max(WARM_UP, concurrency), 0)))
        started = time.perf_counter()
        milliseconds = list(threads.map(turn, range(TURNS)))
        seconds = time.perf_counter() - started
    memory = sum(resident_mebibytes(process_id) for process_id in process_ids())
    return TURNS / seconds, statistics.median(milliseconds), statistics.quantiles(milliseconds, n=100)[98], memory


def resident_mebibytes(process_id: int) -> float:
    kibibytes = subprocess.check_output(["ps", "-o", "rss=", "-p", str(process_id)], text=True)
    return int(kibibytes) / 1024


def report(name: str, url: str, process_ids: Callable[[], list[int]]) -> None:
    for concurrency in CONCURRENCIES:
        rate, median, last, memory = measure(url, concurrency, process_ids)
        print(f"| {name} | {concurrency} | {rate:.0f} | {median:.0f} | {last:.0f} | {memory:.0f} |", flush=True)


def main() -> None:
    os.environ["AGENT_FACTORY"] = FACTORY
    with temporary_database({"max_connections": "200"}) as database, tempfile.TemporaryDirectory() as folder:
        with psycopg.connect(database.url) as connection:
            apply_migrations(connection)
        print("| | turns at once | turns a second | median ms | 99 % ms | memory MiB |\n|---|---:|---:|---:|---:|---:|")
        with serving(Path(folder), database.url) as server:
            report("one server process", server.url, lambda: [server.process.pid])
        environment = {"SESSION_BACKEND_URL": database.url, "MODEL_PROVIDER": MODEL, "LOG_LEVEL": "ERROR"}
        with Gateway(environment, port=0, backend_port=0) as gateway:
            report("local gateway, a process a turn", gateway.url, gateway.process_ids)


if __name__ == "__main__":
    main()
