"""Ten thousand plain turns of one process of the function `process`: its memory, its collections, its slowest turns.

As a program (`python -m tests.benchmarks.turns.long`) it is that process. Its functions' collector, as they leave it:
off during imports, and what was imported frozen.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, quantiles
from typing import Any, NamedTuple

from local.database import EmbeddedDatabase
from tests.benchmarks.cold.deployed import find_import_paths, make_event, plain_variables
from tests.benchmarks.contest import create_database

TURNS, STEP, TURNS_OF_A_SESSION = 10_000, 1_000, 20
HEADER = (
    "| turns | RSS MB | ms p50 | p99 | p99.9 | collections by generation | ms of them | longest |\n"
    "|---:|---:|---:|---:|---:|---|---:|---:|"
)


class Step(NamedTuple):
    turns: int
    resident_bytes: int
    milliseconds: list[float]
    collections: list[tuple[int, float]]
    """Of each, its generation and its milliseconds."""


def measure(server: EmbeddedDatabase) -> Iterator[str]:
    yield HEADER
    steps: list[Step] = []
    for step in run_process(create_database(server, "long", migrated=True)):
        steps.append(step)
        yield describe(step)
    whole = Step(TURNS, 0, [each for step in steps for each in step.milliseconds], [])
    p50, p99, p999 = percentiles(whole)
    slope, _ = linear_regression([step.turns for step in steps], [step.resident_bytes for step in steps])
    yield (
        f"\nOf all: p50 {p50:.1f} ms, p99 {p99:.1f} ms, p99.9 {p999:.1f} ms, p99/p50 {p99 / p50:.2f};"
        f" memory grows by {slope * STEP / 1000:.0f} KB in {STEP:,} turns."
    )


def describe(step: Step) -> str:
    times = " | ".join(f"{each:.1f}" for each in percentiles(step))
    counts = Counter(generation for generation, _ in step.collections)
    taken = [milliseconds for _, milliseconds in step.collections]
    return (
        f"| {step.turns:,} | {step.resident_bytes / 1e6:.1f} | {times} | {counts[0]} / {counts[1]} / {counts[2]}"
        f" | {sum(taken):.0f} | {max(taken, default=0):.1f} |"
    )


def percentiles(step: Step) -> tuple[float, float, float]:
    cuts = quantiles(step.milliseconds, n=1000, method="inclusive")
    return cuts[499], cuts[989], cuts[998]


def run_process(url: str) -> Iterator[Step]:
    environment = {
        **plain_variables(url),
        "MODEL_PROVIDER": "tests.benchmarks.paced_model:build_instant",
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, find_import_paths("process"))),
    }
    command = [sys.executable, "-m", __spec__.name]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            yield Step(*json.loads(line))
    if process.returncode:
        raise RuntimeError(f"the process ended with status {process.returncode}")


class Collections:
    """Those of Python's collector, since it was last asked."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, float]] = []
        self._started = 0.0
        gc.callbacks.append(self._note)

    def take(self) -> list[tuple[int, float]]:
        seen, self._seen = self._seen, []
        return seen

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._started = time.perf_counter()
        else:
            self._seen.append((info["generation"], (time.perf_counter() - self._started) * 1000))


def hold_turns() -> Iterator[Step]:
    from tests.support.http_api import Context

    gc.disable()
    from handler import handler

    collections, context = Collections(), Context()
    for first, end in pairwise(range(0, TURNS + 1, STEP)):
        milliseconds = [hold_turn(handler, context, number) for number in range(first, end)]
        resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield Step(end, resident_pages * os.sysconf("SC_PAGE_SIZE"), milliseconds, collections.take())


def hold_turn(handler: Any, context: Any, number: int) -> float:
    prompt = f"turn {number} ".ljust(600, "x")
    body = {"prompt": prompt, "session_id": f"session-{number // TURNS_OF_A_SESSION}"}
    event = make_event("POST", "/process", body)
    started = time.perf_counter()
    answer = handler(json.loads(event), context)
    taken = (time.perf_counter() - started) * 1000
    assert answer["statusCode"] == 200, answer
    return taken


def main() -> None:
    report = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the function logs there
    for step in hold_turns():
        report.write(f"{json.dumps(step)}\n")
        report.flush()


if __name__ == "__main__":
    main()
