"""A lock per folder: only one stack serves from it at a time, and another process can end that one."""

import contextlib
import fcntl
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.sam.errors import AlreadyRunningError


class Lock:
    """Held by the serving process and by SAM, which inherits the open file and may outlive a killed owner."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def fileno(self) -> int:
        return self._file.fileno()

    def record(self, process_id: int) -> None:
        self._file.write(f"{process_id}\n")
        self._file.flush()


@contextmanager
def take_lock(folder: Path) -> Generator[Lock]:
    """Raises `AlreadyRunningError`."""
    with _open(folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(f"another process serves from {folder}: `make sam-down` ends it") from error
        file.truncate(0)
        lock = Lock(file)
        lock.record(os.getpid())
        yield lock


def end_holder(folder: Path) -> None:
    """Ask the serving process (or SAM, if that process is gone) to end, and wait until it has."""
    with _open(folder) as file:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        file.seek(0)
        for process_id in file.read().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process_id), signal.SIGTERM)
                break
        fcntl.flock(file, fcntl.LOCK_EX)


def _open(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "lock").open("a+")
