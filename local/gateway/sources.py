"""Detects changes to the code that the functions run."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SUFFIXES = (".py", ".toml", ".sql")
GENERATED = {"__pycache__", "dependencies"}


class Sources:
    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [str(folder) for folder in folders]
        self._seen = self._scan()

    def changed(self) -> bool:
        """True once after a file was added, removed or written."""
        before, self._seen = self._seen, self._scan()
        return self._seen != before

    def _scan(self) -> dict[str, int]:
        return dict(entry for folder in self._folders for entry in _modified_times(folder))


def _modified_times(folder: str) -> Iterator[tuple[str, int]]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:  # deleted while we scan: the change is seen anyway
        for entry in entries:
            if entry.is_dir() and entry.name not in GENERATED:
                yield from _modified_times(entry.path)
            elif entry.name.endswith(SUFFIXES):
                yield entry.path, entry.stat().st_mtime_ns
