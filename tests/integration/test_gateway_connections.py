"""One connection to the gateway: kept, cut, malformed, too large."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from local.gateway import Gateway
from tests.integration.runtime_functions.progress import FUNCTIONS, Progress

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    environment = Progress(tmp_path_factory.mktemp("progress")).environment
    with Gateway(environment, port=0, functions=FUNCTIONS) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


def test_refusal_reaches_a_client_that_sends_everything_before_it_reads(gateway: Gateway) -> None:
    size = 11 * MEBIBYTE
    head = f"POST /ordinary/echo HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Length: {size}\r\n\r\n"

    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(head.encode())
        for _ in range(size // MEBIBYTE):
            connection.sendall(bytes(MEBIBYTE))

        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_connection_is_kept_for_the_next_request(gateway: Gateway) -> None:
    with closing(HTTPConnection("127.0.0.1", gateway.port)) as connection:
        connection.connect()
        kept = connection.sock
        for _ in range(2):
            connection.request("GET", "/ordinary/version")
            with connection.getresponse() as response:
                assert (response.status, response.reason, response.read()[:2]) == (200, "OK", b"1 ")

        assert connection.sock is kept


def test_waiting_client_is_told_to_continue(gateway: Gateway) -> None:
    head = f"POST /ordinary/version HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Length: 2\r\n"

    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        assert exchange(connection, f"{head}Expect: 100-continue\r\n\r\n".encode()).startswith(b"HTTP/1.1 100 ")
        assert exchange(connection, b"{}").startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "request_text",
    [
        "NONSENSE\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
        "GET /public HTTP/1.1\r\nHost: {host}\r\nBad Header: 1\r\n\r\n",
        "POST /ordinary/echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: nonsense\r\n\r\n",
        "POST /ordinary/echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /ordinary/echo HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n\r\n",
        "POST /ordinary/echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /public HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ],
)
def test_malformed_request_is_a_400_and_the_end_of_the_connection(request_text: str, gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(request_text.format(host=f"127.0.0.1:{gateway.port}").encode())
        answer = read_all(connection)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "bad_request"  # and nothing after it


@pytest.mark.parametrize("size", [11_000, 100_000])
def test_headers_over_the_limit_are_a_431(size: int, client: httpx.Client) -> None:
    response = client.get("/public", headers={"X-Long": "x" * size})

    assert (response.status_code, response.json()["code"]) == (431, "headers_too_large")


def test_client_that_leaves_in_the_middle_of_its_request_harms_nobody(client: httpx.Client, gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(
            b"POST /ordinary/echo HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 9\r\n\r\nhalf" % gateway.port
        )

    assert client.get("/public").status_code == 200


def exchange(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(65536)


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))
