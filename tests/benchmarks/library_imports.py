"""What importing the library costs a process that never imports Strands, beside the last release; see `library`."""

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.reliability.test_last_release import LAST_RELEASE

ROOT = Path(__file__).resolve().parents[2]
SOURCES = "layers/app/python"
MODULES = ("session_store", "session_store.postgresql")
TIMES = 21
PROGRAM = """
import sys, time
started = time.process_time()
import {module}
print((time.process_time() - started) * 1000)
assert "strands" not in sys.modules
"""


def measure() -> dict[str, tuple[float, float]]:
    """CPU milliseconds of importing each module: the last release's, and today's; measured in turns."""
    with tempfile.TemporaryDirectory() as compiled, last_release() as released:
        return {module: _compare(module, (released, ROOT / SOURCES), compiled) for module in MODULES}


def _compare(module: str, sources: tuple[Path, Path], compiled: str) -> tuple[float, float]:
    taken = [[_import_once(module, source, compiled) for source in sources] for _ in range(TIMES + 1)][1:]
    released, ours = zip(*taken, strict=True)  # without the first of each, which compiles
    return median(released), median(ours)


def _import_once(module: str, sources: Path, compiled: str) -> float:
    environment = {"PYTHONPATH": str(sources), "PYTHONPYCACHEPREFIX": compiled, "PATH": os.defpath}
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    return float(subprocess.check_output(command, env=environment, cwd="/", text=True))


@contextmanager
def last_release() -> Iterator[Path]:
    """The folder of its packages."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "release.tar"
        subprocess.run(["git", "-C", str(ROOT), "archive", "--output", str(archive), LAST_RELEASE, SOURCES], check=True)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        yield Path(folder) / SOURCES
