"""Clients that are stopped (SIGSTOP), or too slow: what they hold has an end, and they hold up nobody."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection

import httpx
import pytest

from local.gateway import Gateway, Limits
from tests.integration.runtime_functions.progress import FUNCTIONS, Progress, wait_until

MEBIBYTE = 1024 * 1024
LIMITS = replace(Limits(), concurrency=1, request_seconds=1, client_behind_bytes=MEBIBYTE, client_stall_seconds=0.5)

HALF_A_BODY = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
head = f"POST /ordinary/echo HTTP/1.1\\r\\nHost: 127.0.0.1:{sys.argv[1]}\\r\\nContent-Length: 1000000\\r\\n\\r\\n"
connection.sendall(head.encode() + b"x" * 500_000)
print("half", flush=True)
sys.stdin.read()
print(connection.recv(100).split(b"\\r\\n")[0].decode(), flush=True)
"""

A_STREAM = """
import httpx, sys
received = 0
try:
    with httpx.stream("GET", f"http://127.0.0.1:{sys.argv[1]}/streams/endless", timeout=30) as response:
        chunks = response.iter_raw()
        next(chunks)
        print("reading", flush=True)
        sys.stdin.read()
        for chunk in chunks:
            received += len(chunk)
except httpx.HTTPError:
    print("cut", received < 64 * 1024 * 1024, flush=True)
"""


@pytest.fixture(scope="module")
def progress(tmp_path_factory: pytest.TempPathFactory) -> Progress:
    return Progress(tmp_path_factory.mktemp("progress"))


@pytest.fixture(scope="module")
def gateway(progress: Progress) -> Iterator[Gateway]:
    with Gateway(progress.environment, port=0, backend_port=0, functions=FUNCTIONS, limits=LIMITS) as gateway:
        assert httpx.get(f"{gateway.url}/ordinary/version", timeout=30).status_code == 200
        yield gateway


@contextmanager
def frozen(script: str, gateway: Gateway) -> Generator[subprocess.Popen[str]]:
    """A client that was stopped after it had printed its first line."""
    command = [sys.executable, "-c", script, str(gateway.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline()
        client.send_signal(signal.SIGSTOP)
        try:
            yield client
        finally:
            client.kill()


def thaw(client: subprocess.Popen[str]) -> str:
    """What it prints at its end."""
    client.send_signal(signal.SIGCONT)
    return client.communicate("", timeout=20)[0].strip()


def test_client_frozen_in_its_body_holds_no_process_and_is_answered_408(gateway: Gateway) -> None:
    with frozen(HALF_A_BODY, gateway) as client:
        assert httpx.get(f"{gateway.url}/ordinary/version", timeout=30).status_code == 200
        time.sleep(1.2 * LIMITS.request_seconds)

        assert thaw(client) == "HTTP/1.1 408 Request Timeout"


def test_client_frozen_in_a_stream_is_dropped_and_its_process_freed(gateway: Gateway, progress: Progress) -> None:
    with frozen(A_STREAM, gateway) as client:
        wait_until(lambda: progress.finished)
        assert httpx.get(f"{gateway.url}/streams/proxy", timeout=30).status_code == 202

        assert thaw(client) == "cut True"


def test_body_that_comes_in_drops_is_ended_however_short_its_pauses(gateway: Gateway) -> None:
    head = f"POST /ordinary/echo HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(head.encode())
        connection.settimeout(0.1)
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() < began + 10:
            connection.sendall(b"x")
            try:
                answer = connection.recv(100)
            except TimeoutError:
                continue

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_headers_that_never_end_are_answered_408(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(b"GET /public HTTP/1.1\r\nHost: ")

        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_client_that_asks_on_and_on_and_reads_nothing_is_dropped(gateway: Gateway) -> None:
    requests = b"GET /ordinary/five_mebibytes HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % gateway.port * 20
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        connection.sendall(requests)
        time.sleep(2)
        assert httpx.get(f"{gateway.url}/ordinary/version", timeout=30).status_code == 200

        assert received_bytes(connection) < 100 * MEBIBYTE


def test_client_that_pauses_between_requests_keeps_its_connection(gateway: Gateway) -> None:
    with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
        connection.connect()
        kept = connection.sock
        for _ in range(2):
            connection.request("GET", "/ordinary/version")
            assert connection.getresponse().read()
            time.sleep(1.2 * LIMITS.request_seconds)

        assert connection.sock is kept


def received_bytes(connection: socket.socket) -> int:
    """How much comes until the connection ends, in whatever way."""
    size = 0
    with suppress(ConnectionResetError):
        while data := connection.recv(MEBIBYTE):
            size += len(data)
    return size
