"""Our turn beside the floor's, in this process, each over a connection of its own, and compared one by one."""

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import psycopg

from local.database import EmbeddedDatabase
from tests.benchmarks.begins import find_server_process
from tests.benchmarks.contest import CONTESTANTS, create_database

sys.path.append(str(CONTESTANTS))  # they are scripts, which import each other by their bare names

from floor import Floor
from harness import text as text
from ours import Ours
from strands_agent import ScriptedModel as ScriptedModel

KINDS: Mapping[str, Callable[[str], Floor | Ours]] = {"floor": Floor, "ours": Ours}
WARM_UP_TURNS = 10
"""A connection plans a statement for each call until it has seen it five times."""


class Taken(NamedTuple):
    """Milliseconds: on the clock, of this process's CPU, and of the CPU of the connection's server process."""

    wall: float
    python: float
    postgresql: float


class Side:
    """One kind of turn over one connection."""

    def __init__(self, kind: str, url: str, connection_name: str) -> None:
        self.contestant = KINDS[kind](f"{url}?application_name={connection_name}")
        for tools in (0, 2):
            for _ in range(WARM_UP_TURNS):
                self.contestant.turn(f"warm-up-{connection_name}", tools)
        self._server_process = find_server_process(url, connection_name)

    def server_milliseconds(self) -> float:
        return self._server_process.cpu_milliseconds()


def create_databases(server: EmbeddedDatabase, name: str) -> dict[str, str]:
    """The URL by the kind."""
    return {kind: create_database(server, f"{name}_{kind}", migrated=kind == "ours") for kind in KINDS}


def analyze(urls: Mapping[str, str]) -> None:
    """As autovacuum does in the course of time."""
    for url in urls.values():
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def ignore(_: Side) -> None: ...


def take_alternately(
    sides: Sequence[Side], works: Sequence[Callable[[Side], object]], after: Callable[[Side], None] = ignore
) -> list[list[Taken]]:
    """What each side took for each of `works`, one side after the other. On the clock, `after` does not count."""
    gc.collect()
    gc.freeze()
    server, own = [], []
    for work in works:
        server.append([side.server_milliseconds() for side in sides])
        own.append([_time(side, work, after) for side in sides])
    server.append([side.server_milliseconds() for side in sides])
    # The server may go on for a moment after its answer, so its time is that from one turn to the next.
    spent = [[end - start for start, end in zip(*pair, strict=True)] for pair in pairwise(server)]
    return [
        [Taken(*times, cpu) for times, cpu in zip(times_of_sides, cpu_of_sides, strict=True)]
        for times_of_sides, cpu_of_sides in zip(own, spent, strict=True)
    ]


def _time(side: Side, work: Callable[[Side], object], after: Callable[[Side], None]) -> tuple[float, float]:
    cpu, started = time.process_time(), time.perf_counter()
    work(side)
    taken = (time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000
    after(side)
    return taken


def compare(taken: Sequence[Sequence[Taken]], part: str, digits: int = 2) -> str:
    """A cell: the floor's median, ours, and the median of the ratios of each to the other's beside it."""
    pairs = [[getattr(side, part) for side in pair] for pair in taken]
    floor, ours = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(ours / max(floor, 0.001) for floor, ours in pairs)
    return f"{floor:.{digits}f} / {ours:.{digits}f} / {ratio:.2f}"
