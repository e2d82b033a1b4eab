"""pgbouncer in transaction mode, the local stand-in for RDS Proxy: sessions' state does not survive a statement."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = 20
; each statement on another server connection, so that anything kept in a session is missed at once
server_round_robin = 1
server_login_retry = 0
"""


class Pooler:
    """pgbouncer before the server of `server_url`, on one port however often it is killed and started."""

    def __init__(self, server_url: str, folder: Path, settings: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        server = urlsplit(server_url)
        self._configuration = folder / "pgbouncer.ini"
        configuration = _CONFIGURATION.format(
            server_port=server.port, user=server.username, password=server.password, port=self.port
        )
        self._configuration.write_text(configuration + settings)
        self._log = folder / "log"
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # it refuses to run as root
        self._process: subprocess.Popen[bytes] | None = None

    def url_of(self, database_url: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{urlsplit(database_url).path.strip('/')}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), str(self._configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._account.pw_uid if self._account else None,
                group=self._account.pw_gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        for _ in range(200):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise RuntimeError(f"pgbouncer does not listen: {self._log.read_text()}")

    def kill(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def running_pooler(server_url: str) -> Generator[Pooler]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        pooler = Pooler(server_url, Path(folder))
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.kill()


def is_alive(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
