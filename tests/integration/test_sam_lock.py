"""One stack a folder, which another process can end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sam.errors import AlreadyRunningError
from local.sam.lock import end_holder, take_lock

# Holds the lock; with "orphan", a child that inherited it stays behind.
HOLDER = """
import subprocess, sys
from pathlib import Path
from local.sam.lock import take_lock

with take_lock(Path(sys.argv[1])) as lock:
    if sys.argv[2] == "orphan":
        child = [sys.executable, "-c", "import sys; print('held', flush=True); sys.stdin.read()"]
        lock.record(subprocess.Popen(child, pass_fds=[lock.fileno()]).pid)
        sys.exit()
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["serving", "orphan"])
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(tmp_path), request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        if request.param == "orphan":
            process.wait(30)
        yield process
        process.kill()


@pytest.mark.usefixtures("holder")
def test_second_stack_is_refused_while_anything_of_the_first_lives(tmp_path: Path) -> None:
    with pytest.raises(AlreadyRunningError, match="make sam-down"), take_lock(tmp_path):
        pass


@pytest.mark.usefixtures("holder")
def test_holder_has_ended_when_end_returns(tmp_path: Path) -> None:
    end_holder(tmp_path)
    with take_lock(tmp_path):
        pass


def test_end_without_a_holder_does_nothing(tmp_path: Path) -> None:
    end_holder(tmp_path)
    with take_lock(tmp_path):
        pass
