"""The two hops that carry a model's port into the containers' network: TCP to a socket file, socket file to TCP."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sam import relay as relay_module
from tests.support.waiting import wait_until

LARGE = b"0123456789abcdef" * 65_536


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Answers each client with its own words, once it has said all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        yield listener


@pytest.fixture
def entrance(server: socket.socket, tmp_path: Path) -> Iterator[int]:
    socket_file = tmp_path / "socket"
    port = _free_port()
    hops = [
        _start(str(socket_file), f"127.0.0.1:{server.getsockname()[1]}"),
        _start(f"127.0.0.1:{port}", str(socket_file)),
    ]
    wait_until(lambda: socket_file.exists() and _listens(port))
    yield port
    for hop in hops:
        hop.kill()
        hop.wait()


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(relay_module.__file__), *arguments])


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            client.sendall(_read_all(client))


def _read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65_536), b""))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_words_pass_both_ways_whole_and_so_does_their_end(entrance: int) -> None:
    with socket.create_connection(("127.0.0.1", entrance), timeout=30) as client:
        client.sendall(LARGE)
        client.shutdown(socket.SHUT_WR)
        assert _read_all(client) == LARGE


def test_client_is_told_when_no_server_is_there(entrance: int, server: socket.socket) -> None:
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    with socket.create_connection(("127.0.0.1", entrance), timeout=30) as client:
        assert client.recv(1) == b""
