"""The local stack as `make local` runs it: its own processes, ended by Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from html import unescape

import httpx
import psycopg
import pytest


@pytest.fixture
def stack(database_url: str) -> Iterator[subprocess.Popen[str]]:
    with started(database_url) as process:
        yield process


@contextmanager
def started(database_url: str, **variables: str) -> Generator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "PORT": "0",
        "SESSION_BACKEND_PORT": "0",
        **variables,
    }
    command = [sys.executable, "-m", "local.stack"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def address(stack: subprocess.Popen[str], name: str) -> str:
    assert stack.stdout
    return next(line.split()[-1] for line in stack.stdout if line.startswith(name))


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(20_000, 60_000, count):
        with suppress(OSError), ExitStack() as servers:
            for port in range(first, first + count):
                servers.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise AssertionError("every port is taken")


def test_stack_serves_further_callers_on_the_ports_after_its_own(database_url: str) -> None:
    first = free_ports(4)
    ports = {"PORT": str(first), "SESSION_BACKEND_PORT": str(first + 1)}
    with started(database_url, LOCAL_CALLERS="alice bob", **ports) as stack:
        local, alice, bob = (address(stack, name).rstrip("/") for name in ("API", "As alice", "As bob"))
        body = {"prompt": "say: hello", "session_id": "alices"}
        assert httpx.post(f"{alice}/process", json=body, timeout=60).status_code == 200
        statuses = [httpx.get(f"{url}/sessions/alices/history", timeout=60).status_code for url in (alice, bob, local)]
        page = unescape(httpx.get(f"{bob}/", timeout=60).text)

    assert [url.rpartition(":")[2] for url in (alice, bob)] == [str(first + 2), str(first + 3)]
    assert statuses == [200, 404, 404]
    assert f'"callers": {{"local": {first}, "alice": {first + 2}, "bob": {first + 3}}}' in page


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])  # Ctrl-C below
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


def test_errors_of_a_model_and_a_tool_are_in_the_terminal_with_words_and_traceback(
    stack: subprocess.Popen[str],
) -> None:
    url = address(stack, "API")
    assert address(stack, 'As other callers  LOCAL_CALLERS="alice bob"') == "local"
    for prompt in ("fail: the model stands on its head", 'tool: calculator {"expression": "1 / 0"}'):
        httpx.post(f"{url}/process", json={"prompt": prompt, "session_id": "s"}, timeout=60)
    stack.send_signal(signal.SIGINT)
    terminal = stack.communicate(timeout=30)[0]

    assert stack.returncode == 0
    assert "process | Traceback (most recent call last):" in terminal
    assert "process | RuntimeError: the model stands on its head" in terminal
    assert "process | ZeroDivisionError: " in terminal


@pytest.mark.parametrize(
    ("program", "setting", "told"),
    [
        ("local.stack", {"MODEL_PROVIDER": "bedrok"}, "MODEL_PROVIDER='bedrok' is unknown: choose one of bedrock"),
        ("local.stack", {"MODEL_PROVIDER": "openai", "MODEL_ID": "m", "OPENAI_API_KEY": ""}, "needs OPENAI_API_KEY"),
        ("local.stack", {"PORT": "eight"}, "PORT must be a port number, not 'eight'"),
        (
            "local.stack",
            {"PORT": "{taken}"},
            "port {taken} or 0 cannot be opened: set PORT and SESSION_BACKEND_PORT to others",
        ),
        (
            "local.stack",
            {"LOCAL_CALLERS": "alice b/b"},
            "LOCAL_CALLERS must be names of lower-case letters and digits, not 'b/b'",
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
