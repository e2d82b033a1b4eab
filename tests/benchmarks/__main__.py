"""Measures this project beside its peers: `make bench`, or `FULL=1 make bench` for the long histories."""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.database import EmbeddedDatabase, temporary_database
from tests.benchmarks import cold_starts, lists, plot, programs, streaming, tables, throughput
from tests.benchmarks.contest import Contest, Entry, entries

RESULTS = Path(".cache/benchmarks/results.json")
PROGRAMS = {"tests.benchmarks.turns": 300, "tests.benchmarks.cold": 420}
"""With a database of their own, and the seconds after which they are cut."""


@dataclass(frozen=True)
class Sizes:
    histories: list[int]
    turns: int
    restores: list[int]
    restore_times: int
    workers: list[int]
    seconds: float
    sessions: int
    requests: int
    contestant_seconds: float
    contest_seconds: float
    whole_seconds: float
    """Of everything: what would begin later is left out, and a program at work is cut."""


SHORT = Sizes(
    histories=[0, 20, 200],
    turns=30,
    restores=[40, 2000],
    restore_times=10,
    workers=[1, 4, 16, 64],
    seconds=5,
    sessions=100_000,
    requests=200,
    contestant_seconds=180,
    contest_seconds=600,
    whole_seconds=20 * 60 - 30,
)
FULL = Sizes(
    histories=[0, 20, 200, 2000, 10_000],
    turns=100,
    restores=[40, 200, 2000, 10_000],
    restore_times=20,
    workers=[1, 2, 4, 8, 16, 32, 64],
    seconds=20,
    sessions=1_000_000,
    requests=200,
    contestant_seconds=900,
    contest_seconds=9_000,
    whole_seconds=12_000,
)


def main() -> None:
    sizes = FULL if os.environ.get("FULL") == "1" else SHORT
    end = time.monotonic() + sizes.whole_seconds
    with ExitStack() as parts:
        server = parts.enter_context(temporary_database({"max_connections": "300"}))
        measured = [*_contest(server, entries(parts, server), sizes), *_alone(server, sizes, end)]
    measured += (programs.run(name, limit, end) for name, limit in PROGRAMS.items())
    results = {"machine": _machine(), "sizes": asdict(sizes), "measured": measured}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))
    print(tables.of(results))
    print(f"\nAll figures: {RESULTS}, a plot: {plot.draw(results, RESULTS.with_suffix('.svg'))}")


def _contest(server: EmbeddedDatabase, contestants: list[Entry], sizes: Sizes) -> Iterator[dict[str, Any]]:
    jobs = {
        "turn": {"histories": sizes.histories, "turns": sizes.turns},
        "restore": {"histories": sizes.restores, "times": sizes.restore_times},
    }
    with Contest(server, sizes.contestant_seconds, sizes.contest_seconds) as contest:
        for number, entry in enumerate(contestants, 1):
            for measurement in contest.hold(entry, jobs):
                what = [str(measurement[name]) for name in ("measure", "where", "history") if name in measurement]
                print(f"[{number}/{len(contestants)}] {entry.name}: {' '.join(what)}", file=sys.stderr)
                yield {"contestant": entry.name, **measurement}


def _alone(server: EmbeddedDatabase, sizes: Sizes, end: float) -> Iterator[dict[str, Any]]:
    """What no peer has, or has otherwise."""
    sections: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "throughput": lambda: throughput.measure(server, sizes.workers, sizes.seconds),
        "lists": lambda: iter([lists.measure(server, sizes.sessions)]),
        "cold starts": lambda: cold_starts.measure(server),
        "streaming": lambda: iter([streaming.measure(server, sizes.requests)]),
    }
    for name, section in sections.items():
        if time.monotonic() > end:
            yield {"measure": name, "error": programs.NO_TIME_LEFT}
            continue
        try:
            for measurement in section():
                print(f"this project: {measurement['measure']}", file=sys.stderr)
                yield measurement
        except Exception as error:  # noqa: BLE001 - what was measured before is worth its table
            yield {"measure": name, "error": f"{type(error).__name__}: {error}"[:200]}


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
