"""Compiles layers with Lambda's Python version: without `.pyc` files imports take 2.5 times as much CPU on Lambda."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import uv

PYTHON_VERSION = "3.13"


@cache
def find_compiler() -> str | None:
    """A Python of Lambda's version, as Lambda ignores the `.pyc` files of any other.

    If there is none, uv installs one; if that fails, the layer ships sources only and a warning is printed.
    """
    for candidate in _candidates():
        if _reported_version(candidate) == PYTHON_VERSION:
            return candidate
    sys.stderr.write(f"layer: no Python {PYTHON_VERSION} here to compile with; cold starts will be slower\n")
    return None


def compile_beside_sources(python: Path) -> None:
    _compile(python, [python])


def compile_instead_of_sources(python: Path) -> None:
    """Sources make up a quarter of the layer. A package that reads its own sources, as anyio does, keeps them."""
    if find_compiler() is None:
        return
    entries = [entry for entry in python.iterdir() if entry.is_dir() or entry.suffix == ".py"]
    readers = [entry for entry in entries if _reads_its_source(entry)]
    others = [entry for entry in entries if entry not in readers]
    _compile(python, readers)
    _compile(python, others, "-b")
    for source in _sources(others):
        if source.with_suffix(".pyc").exists():
            source.unlink()


def _compile(python: Path, targets: Sequence[Path], *flags: str) -> None:
    """Unchecked `.pyc` files: file times differ on Lambda, so checked ones would be discarded.

    Their paths, for stack traces, are Lambda's; the fixed hash seed makes builds reproducible.
    """
    compiler = find_compiler()
    if compiler is None:
        return
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(python.parent), "-p", "/opt", *flags]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([compiler, "-m", "compileall", *options, *targets], check=True, stdout=sys.stderr, env=environment)


def _reads_its_source(entry: Path) -> bool:
    return any(b"getsource" in source.read_bytes() for source in _sources([entry]))


def _sources(entries: Iterable[Path]) -> Iterable[Path]:
    for entry in entries:
        yield from entry.rglob("*.py") if entry.is_dir() else [entry]


def _candidates() -> Iterable[str]:
    yield sys.executable
    yield from (found for name in (f"python{PYTHON_VERSION}", "python3") if (found := shutil.which(name)))
    yield from map(str, Path.home().glob(f".pyenv/versions/{PYTHON_VERSION}*/bin/python"))
    fetch = [uv.find_uv_bin(), "python", "install", "--no-bin", PYTHON_VERSION]
    subprocess.run(fetch, capture_output=True, check=False)
    find = [uv.find_uv_bin(), "python", "find", "--no-project", "--managed-python", PYTHON_VERSION]
    yield subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip()


def _reported_version(python: str) -> str:
    if not python:
        return ""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=False).stdout.strip()
