"""The first request of a function that is restored from a snapshot of its process, as SnapStart does it.

Here the process is stopped and goes on. With a snapshot's connection, which is dead by then, and as deployed: without
one, which a hook opens when the snapshot is restored.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from statistics import median
from typing import NamedTuple

from tests.benchmarks.cold.deployed import DEPLOYED, find_variables, make_event
from tests.benchmarks.cold.runtime import Call, FirstAnswer, Moment, time_first_answer
from tests.benchmarks.cold.secure_database import SecureDatabase

TIMES = 7
FROZEN_SECONDS = 0.1
HEADER = "| restored | ms of the restore (CPU) | ms of the first request (CPU) |\n|---|---:|---:|"
FUNCTIONS = {
    "sessions": ("GET", "/sessions", None),
    "process": ("POST", "/process", {"prompt": "say: hi"}),
}


class Way(NamedTuple):
    initialization_type: str
    frozen_before: Call


WAYS: Mapping[str, Way] = {
    "with a snapshot's dead connection": Way("on-demand", "request"),
    "as deployed": Way("snap-start", "restore"),
}


def measure(python: str, database: SecureDatabase, compiled: str) -> Iterator[str]:
    yield HEADER
    for function in FUNCTIONS:
        taken = {name: list[FirstAnswer]() for name in WAYS}
        for time_number in range(TIMES + 1):
            for name, way in WAYS.items():
                answer = restore(python, database, compiled, function, way)
                if time_number:  # the first compiles
                    taken[name].append(answer)
        for name, answers in taken.items():
            cells = of([each.restore for each in answers]), of([each.request for each in answers])
            yield f"| {function}, {name} | {' | '.join(cells)} |"


def restore(python: str, database: SecureDatabase, compiled: str, function: str, way: Way) -> FirstAnswer:
    def freeze(process_id: int) -> None:
        os.kill(process_id, signal.SIGSTOP)
        database.cut_connections()
        time.sleep(FROZEN_SECONDS)
        os.kill(process_id, signal.SIGCONT)

    variables = {
        **find_variables(DEPLOYED, database),
        "AWS_LAMBDA_INITIALIZATION_TYPE": way.initialization_type,
        "PYTHONPYCACHEPREFIX": compiled,
    }
    event = make_event(*FUNCTIONS[function])
    return time_first_answer(python, function, event, variables, before={way.frozen_before: freeze})


def of(moments: list[Moment | None]) -> str:
    known = [moment for moment in moments if moment]
    if not known:
        return ""
    wall, cpu = (median(each) for each in zip(*known, strict=True))
    return f"{wall:.0f} ({cpu:.0f})"
