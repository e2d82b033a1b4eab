"""The way to a function's first statement, phase by phase, under the share of a core that its memory buys."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.cold.cpu_share import cpu_share
from tests.benchmarks.cold.deployed import DEPLOYED, ROOT, find_variables
from tests.benchmarks.cold.secure_database import SecureDatabase

TIMES = 7
MEMORY_MEGABYTES = (512, 1024)
PROGRAM = Path(__file__).with_name("first_statement.py")


def measure(python: str, database: SecureDatabase, compiled: str) -> Iterator[str]:
    for megabytes in MEMORY_MEGABYTES:
        runs = [go(python, database, compiled, megabytes) for _ in range(TIMES + 1)][1:]  # the first compiles
        for phase in runs[0]:
            wall, cpu = (median(run[phase][part] for run in runs) for part in (0, 1))
            yield f"{megabytes} MB, {phase}: {wall:.0f} ms (CPU {cpu:.0f} ms)"


def go(python: str, database: SecureDatabase, compiled: str, megabytes: int) -> dict[str, list[float]]:
    """{phase: [milliseconds on the clock, milliseconds of CPU]}"""
    paths = str(ROOT / "layers/app/python")
    variables = {"PATH": os.defpath, "PYTHONPYCACHEPREFIX": compiled, "PYTHONPATH": paths}
    with cpu_share(megabytes) as share:
        process = subprocess.Popen(
            [python, str(PROGRAM)],
            env=variables | find_variables(DEPLOYED, database),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        share.add(process.pid)
        printed, _ = process.communicate("go\n")
    return json.loads(printed)
