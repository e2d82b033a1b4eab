"""`sam local start-api` as a child process, ready once its functions have answered."""

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import httpx

from local.sam.errors import SamError
from local.sam.lock import Lock

ROOT = Path(__file__).resolve().parents[2]
SAM_CLI = ROOT / ".local/sam-cli/bin/sam"
_READY_TIMEOUT_SECONDS = 600  # the first start may pull the base image, and builds an image per set of layers
_STOP_TIMEOUT_SECONDS = 60
# Each starts a function's container without running a turn: the POSTs have no body and are refused.
_FIRST_REQUESTS = (("GET", "/health"), ("POST", "/process"), ("POST", "/process-streaming"))


def check_port(port: int) -> None:
    """Raises `SamError` if the port is in use: another server's answers would be mistaken for SAM's."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SamError(f"port {port} is taken: SAM_PORT chooses another") from error


class SamApi:
    """A context manager that serves `template` with SAM CLI; its output and the functions' go to the file `log`."""

    def __init__(self, template: Path, variables: Path, network: str, port: int, *, log: Path, lock: Lock) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [
            *(SAM_CLI, "local", "start-api", "--template", template, "--env-vars", variables),
            *("--docker-network", network, "--host", "127.0.0.1", "--port", str(port)),
            # One container per function, kept: requests to one function take turns.
            *("--warm-containers", "LAZY", "--no-watch"),
            # A missing image is still pulled; this avoids asking the registry each time.
            "--skip-pull-image",
        ]
        self.log = log
        self._lock = lock
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if not SAM_CLI.exists():
            raise SamError("SAM CLI is not installed: `make sam` installs it")
        environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=environment,
                stdout=log,
                stderr=log,
                pass_fds=[self._lock.fileno()],
                # Ctrl-C reaches only the owner, which ends SAM before the services its functions use.
                start_new_session=True,
            )
        self._lock.record(self._process.pid)
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Block until SAM ends by itself, which it should not: raises `SamError`."""
        if self._process:
            self._process.wait()
            raise SamError(f"SAM CLI ended: see {self.log}")

    def stop(self) -> None:
        if not self._process:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        with httpx.Client(base_url=self.url, timeout=_READY_TIMEOUT_SECONDS, trust_env=False) as client:
            for method, path in _FIRST_REQUESTS:
                while not self._answers(client, method, path):
                    if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                        raise SamError(f"SAM CLI does not start: see {self.log}")
                    time.sleep(0.2)

    def _answers(self, client: httpx.Client, method: str, path: str) -> bool:
        try:
            response = client.request(method, path)
        except httpx.TransportError:
            return False
        if response.is_server_error:
            raise SamError(f"{path} answers {response.status_code}: see {self.log}")
        return True
