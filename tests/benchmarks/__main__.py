"""Measures this project beside its peers: `make bench`, or `FULL=1 make bench` for the long histories."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.database import EmbeddedDatabase, temporary_database
from tests.benchmarks import tables
from tests.benchmarks.contest import Contest, Entry, entries

RESULTS = Path(".cache/benchmarks/results.json")


@dataclass(frozen=True)
class Sizes:
    histories: list[int]
    turns: int
    restores: list[int]
    restore_times: int


SHORT = Sizes(histories=[0, 20, 200], turns=30, restores=[40, 2000], restore_times=10)
FULL = Sizes(histories=[0, 20, 200, 2000, 10_000], turns=100, restores=[40, 200, 2000, 10_000], restore_times=20)


def main() -> None:
    sizes = FULL if os.environ.get("FULL") == "1" else SHORT
    with ExitStack() as parts:
        server = parts.enter_context(temporary_database({"max_connections": "300"}))
        measured = list(_measure(server, entries(parts, server), sizes))
    results = {"machine": _machine(), "sizes": sizes.__dict__, "measured": measured}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))
    print(tables.of(results))


def _measure(server: EmbeddedDatabase, contestants: list[Entry], sizes: Sizes) -> Iterator[dict[str, Any]]:
    jobs = {
        "turn": {"histories": sizes.histories, "turns": sizes.turns},
        "restore": {"histories": sizes.restores, "times": sizes.restore_times},
    }
    with Contest(server) as contest:
        for number, entry in enumerate(contestants, 1):
            for measurement in contest.hold(entry, jobs):
                where = f"{measurement.get('where', '')} history={measurement['history']}"
                print(f"[{number}/{len(contestants)}] {entry.name}: {measurement['measure']} {where}", file=sys.stderr)
                yield {"contestant": entry.name, **measurement}


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
