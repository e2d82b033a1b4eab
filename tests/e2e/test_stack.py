"""The local stack as `make local` runs it: its own processes, ended by Ctrl-C."""

import os
import signal
import socket
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
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
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


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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


@pytest.mark.parametrize(
    ("program", "setting", "told"),
    [
        ("local.stack", {"PORT": "eight"}, "PORT must be a port's number, not 'eight'"),
        (
            "local.stack",
            {"PORT": "{taken}"},
            "port {taken} or 0 cannot be opened: PORT and SESSION_BACKEND_PORT choose",
        ),
        ("local.stack", {"SESSION_BACKEND_URL": "postgresql://127.0.0.1:{taken}/x"}, "the database cannot be used: "),
        ("local.stack", {"SESSION_BACKEND_URL": "mysql://localhost/x"}, "SESSION_BACKEND_URL must begin with"),
        (
            "local.session_demo",
            {"SESSION_BACKEND_URL": "postgresql://127.0.0.1:{taken}/x"},
            "the database cannot be used",
        ),
        ("local.session_demo", {"SESSION_BACKEND_URL": "http://127.0.0.1:1"}, "must begin with postgresql:// here"),
    ],
)
def test_what_cannot_start_says_why_in_one_sentence(
    database_url: str, program: str, setting: dict[str, str], told: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # answers nobody
        taken = str(server.getsockname()[1])
        environment = {
            **os.environ,
            "SESSION_BACKEND_URL": database_url,
            "DATABASE_CONNECT_TIMEOUT_SECONDS": "2",
            "MODEL_PROVIDER": "tests.support.scripted_model:build",
            "SESSION_BACKEND_PORT": "0",
            **{name: value.format(taken=taken) for name, value in setting.items()},
        }
        command = [sys.executable, "-m", program]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert told.format(taken=taken) in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
