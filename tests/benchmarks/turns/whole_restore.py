"""The restore of a long session without a window, beside the floor's."""

import gc
from collections.abc import Iterator

from local.database import EmbeddedDatabase
from tests.benchmarks.turns.sides import KINDS, Ours, Side, analyze, compare, create_databases, take_alternately

MESSAGES = 10_000
TIMES = 15
SESSION_ID = "long"


def measure(server: EmbeddedDatabase) -> Iterator[str]:
    urls = create_databases(server, "restore")
    sides = [Side(kind, urls[kind], kind) for kind in KINDS]
    for side in sides:
        side.contestant.seed(SESSION_ID, MESSAGES, window=False)
        assert restore(side) == MESSAGES
        end(side)
    analyze(urls)
    taken = take_alternately(sides, [restore] * TIMES, end)
    yield (
        "| a restore without a window, floor / ours / ratio | Python's CPU ms | ms on loopback |\n|---|---:|---:|\n"
        f"| {MESSAGES:,} messages | {compare(taken, 'python', 0)} | {compare(taken, 'wall', 0)} |"
    )


def restore(side: Side) -> int:
    return side.contestant.restore(SESSION_ID, window=False)


def end(side: Side) -> None:
    """Of what was restored nothing is left for the other to collect."""
    if isinstance(side.contestant, Ours):
        side.contestant.after_restore()
    gc.collect()
