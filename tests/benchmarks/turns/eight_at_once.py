"""Turns a second of eight processes at once, beside eight of the floor's.

As a program (`python -m tests.benchmarks.turns.eight_at_once KIND URL`) it is one of them: for each line of its
input it holds turns for so many seconds, and prints how many they were and the CPU that it took.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from local.database import EmbeddedDatabase
from tests.benchmarks.throughput import cpu_seconds
from tests.benchmarks.turns.sides import Side, analyze, create_databases

PROCESSES, ROUNDS, SECONDS = 8, 2, 4
HISTORY = 20
HEADER = (
    f"| {PROCESSES} processes at once, floor / ours / ratio | turns a second | Python's CPU ms a turn"
    " | PostgreSQL's CPU ms a turn |\n|---|---:|---:|---:|"
)


class Rates(NamedTuple):
    turns_a_second: float
    python_milliseconds: float
    postgresql_milliseconds: float


def measure(server: EmbeddedDatabase) -> Iterator[str]:
    yield HEADER
    urls = create_databases(server, "eight")
    for kind, url in urls.items():
        Side(kind, url, "first")  # eight would make the floor's table at once, and fail
    with ExitStack() as parts:
        crews = {kind: [start_worker(parts, kind, url) for _ in range(PROCESSES)] for kind, url in urls.items()}
        for worker in (worker for crew in crews.values() for worker in crew):
            read(worker)  # it is ready
        analyze(urls)
        for number in range(1, ROUNDS + 1):
            floor, ours = (hold_turns(server, crew) for crew in crews.values())
            cells = (f"{one:.2f} / {two:.2f} / {two / one:.2f}" for one, two in zip(floor, ours, strict=True))
            yield f"| round {number} | {' | '.join(cells)} |"


def start_worker(parts: ExitStack, kind: str, url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", __spec__.name, kind, url]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    parts.callback(worker.communicate)  # without input it ends
    return worker


def hold_turns(server: EmbeddedDatabase, crew: "list[subprocess.Popen[str]]") -> Rates:
    before = cpu_seconds(server)
    for worker in crew:
        assert worker.stdin
        worker.stdin.write(f"{SECONDS}\n")
        worker.stdin.flush()
    turns, seconds = (sum(each) for each in zip(*map(read, crew), strict=True))
    return Rates(turns / SECONDS, seconds * 1000 / turns, (cpu_seconds(server) - before) * 1000 / turns)


def read(worker: "subprocess.Popen[str]") -> tuple[float, float]:
    assert worker.stdout
    turns, own_cpu_seconds = json.loads(worker.stdout.readline())
    return turns, own_cpu_seconds


def work(kind: str, url: str) -> Iterator[tuple[int, float]]:
    session_id = f"process-{os.getpid()}"
    side = Side(kind, url, session_id)
    side.contestant.seed(session_id, HISTORY, window=True)
    yield 0, 0
    for line in sys.stdin:
        turns, cpu, end = 0, time.process_time(), time.monotonic() + float(line)
        while time.monotonic() < end:
            side.contestant.turn(session_id, 0)
            turns += 1
        yield turns, time.process_time() - cpu


if __name__ == "__main__":
    for done in work(*sys.argv[1:]):
        print(json.dumps(done), flush=True)
