"""A server of the API as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    url: str
    metrics_url: str
    log: Path

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


@contextmanager
def serving(folder: Path, database_url: str, module: str = "api.app", **variables: str) -> Generator[Server]:
    log = folder / f"{module}.log"
    environment = {
        **os.environ,
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "PORT": "0",
        "METRICS_PORT": "0",
        **variables,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=environment, stdout=output, stderr=subprocess.PIPE, text=True
        )
    try:
        assert process.stderr
        urls = [_read_url(process.stderr.readline()) for _ in ("Metrics", "Serving")]
        yield Server(process, urls[1], urls[0], log)
    finally:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()


def refusal(**variables: str) -> tuple[int, str]:
    """The exit code and the words of a server that does not start: of the session backend, since it is there sooner."""
    environment = {**os.environ, "PORT": "0", **variables}
    command = [sys.executable, "-m", "api.session_backend"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    return ended.returncode, ended.stderr


def _read_url(line: str) -> str:
    found = re.search(r"http://\S+", line)
    assert found, line
    return found[0]
