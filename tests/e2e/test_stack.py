"""The local stack as `make local` runs it: its own processes, ended by Ctrl-C."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psycopg
import pytest


@pytest.fixture
def stack(database_url: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "tests.scripted_model:build",
        "PORT": "0",
        "SESSION_BACKEND_PORT": "0",
    }
    command = [sys.executable, "-m", "local.stack"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def address(stack: subprocess.Popen[str], name: str) -> str:
    assert stack.stdout
    return next(line.split()[-1] for line in stack.stdout if line.startswith(name))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_stack_serves_the_database_of_its_url_until_it_is_told_to_end(
    stack: subprocess.Popen[str], database_url: str, end: signal.Signals
) -> None:
    url = address(stack, "API")
    answer = httpx.post(f"{url}/process", json={"prompt": "say: hello", "session_id": "s"}, timeout=60)
    assert answer.json()["response"] == "hello"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchall() == [(2,)]
    stack.send_signal(end)
    assert stack.wait(30) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")
