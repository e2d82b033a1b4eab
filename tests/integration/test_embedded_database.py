"""The embedded PostgreSQL, as its owners start, stop, lose and share it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from local.database import DatabaseError, EmbeddedDatabase
from tests.support.waiting import wait_until

# What a shell starts in its background ignores Ctrl-C, and so do its children: this one hears it again.
OWNER = """
import signal
import sys
from pathlib import Path
from local.database import EmbeddedDatabase
signal.signal(signal.SIGINT, signal.default_int_handler)
with EmbeddedDatabase(Path(sys.argv[1])) as database:
    print(database.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def reachable_folder() -> Iterator[Path]:
    # Not pytest's own folder, which it keeps closed to others: a root owner's server runs as nobody.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        yield Path(parent) / "postgresql"


@pytest.fixture(scope="module")
def initialized() -> Iterator[Path]:
    with reachable_folder() as folder:
        with EmbeddedDatabase(folder):
            pass
        yield folder


@pytest.fixture
def new_folder() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture
def folder(new_folder: Path, initialized: Path) -> Path:
    """As a first start left it: to copy it takes a tenth of the time."""
    subprocess.run(["cp", "-a", initialized, new_folder], check=True)
    return new_folder


@contextmanager
def started_owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OWNER, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield process
        process.kill()


@pytest.fixture
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with started_owner(folder) as process:
        yield process


def url_told_by(owner: subprocess.Popen[str]) -> str:
    assert owner.stdout
    return owner.stdout.readline().strip()


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def test_data_stay_from_one_start_to_the_next(new_folder: Path) -> None:
    with EmbeddedDatabase(new_folder) as database, psycopg.connect(database.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedDatabase(new_folder) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]


def test_server_listens_on_loopback_alone_and_wants_its_password(folder: Path) -> None:
    with EmbeddedDatabase(folder) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchall() == [("127.0.0.1",)]
        assert connection.execute("SHOW unix_socket_directories").fetchall() == [("",)]
        without = f"postgresql://postgres:guess@127.0.0.1:{database.port}/postgres"
        assert not answers(without)


def test_folder_in_use_is_refused_in_words(folder: Path) -> None:
    with EmbeddedDatabase(folder), pytest.raises(DatabaseError, match="already runs the database"):
        EmbeddedDatabase(folder).start()


def test_a_restart_waits_for_a_child_that_was_forked_with_the_lock(folder: Path) -> None:
    with EmbeddedDatabase(folder) as database:
        assert database._lock
        # As long as it takes on a busy machine until the exec.
        with subprocess.Popen(["sleep", "0.5"], pass_fds=[database._lock.fileno()]):
            database.stop()
            database.start()


def test_two_folders_do_not_meet(folder: Path) -> None:
    with EmbeddedDatabase(folder) as one, EmbeddedDatabase(folder.with_name("other")) as other:
        assert one.port != other.port
        assert not answers(one.url.replace(f":{one.port}/", f":{other.port}/"))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, None])
def test_server_ends_with_its_owner(owner: subprocess.Popen[str], end: signal.Signals | None) -> None:
    url = url_told_by(owner)
    assert answers(url)
    if end:
        owner.send_signal(end)
    else:
        assert owner.stdin
        owner.stdin.close()
    owner.wait(30)
    wait_until(lambda: not answers(url))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_first_start_that_was_broken_off_is_begun_anew(new_folder: Path, end: signal.Signals) -> None:
    with started_owner(new_folder) as owner:
        wait_until(lambda: list(new_folder.glob("*/PG_VERSION")))  # initdb writes it long before it has finished
        owner.send_signal(end)
        owner.wait(30)
    with EmbeddedDatabase(new_folder) as database:
        assert answers(database.url)


def test_file_of_a_server_that_lost_its_machine_costs_no_other_process_its_life(folder: Path) -> None:
    with EmbeddedDatabase(folder):
        file = folder / "cluster" / "postmaster.pid"
        left = file.read_text().splitlines(keepends=True)
    # As root the server runs as nobody, who could signal a process of his own alone.
    with subprocess.Popen(["sleep", "60"], user="nobody" if os.geteuid() == 0 else None) as stranger:
        file.write_text("".join([f"{stranger.pid}\n", *left[1:]]))
        with EmbeddedDatabase(folder) as database:
            assert answers(database.url)
        assert stranger.poll() is None
        stranger.kill()


def test_server_of_a_killed_owner_is_replaced(owner: subprocess.Popen[str], folder: Path) -> None:
    url = url_told_by(owner)
    owner.kill()
    owner.wait(30)
    with EmbeddedDatabase(folder) as database:
        assert answers(database.url)
    wait_until(lambda: not answers(url))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")
def test_server_of_root_runs_as_another_user(folder: Path) -> None:
    with EmbeddedDatabase(folder):
        process_id = int((folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])
        assert Path(f"/proc/{process_id}").stat().st_uid != 0
