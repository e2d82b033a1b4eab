"""Streams through real runtime processes, in step with the test."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from local.gateway import Gateway, Limits
from tests.integration.runtime_functions.progress import FUNCTIONS, Progress, wait_until

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def progress(tmp_path_factory: pytest.TempPathFactory) -> Progress:
    return Progress(tmp_path_factory.mktemp("progress"))


@pytest.fixture(autouse=True)
def _not_finished(progress: Progress) -> None:
    (progress.folder / "finished").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def gateway(progress: Progress) -> Iterator[Gateway]:
    with Gateway(progress.environment, port=0, backend_port=0, functions=FUNCTIONS) as gateway:
        yield gateway


def hurried(progress: Progress, **limits: float) -> Gateway:
    return Gateway(
        progress.environment, port=0, backend_port=0, functions=FUNCTIONS, limits=replace(Limits(), **limits)
    )


def test_chunks_arrive_as_the_handler_yields_them(gateway: Gateway, progress: Progress) -> None:
    with httpx.stream("GET", f"{gateway.url}/streams/steps", timeout=20) as response:
        assert (response.status_code, response.headers["x-head"]) == (201, "er")
        assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
        chunks = response.iter_raw()
        assert next(chunks) == b"one "  # while the handler waits for our leave to go on
        progress.release()
        assert next(chunks) == b"two "
        progress.release()
        assert b"".join(chunks).decode() == "drei \N{SNOWMAN}"


def test_connection_is_kept_after_a_stream(gateway: Gateway) -> None:
    request = b"GET /streams/proxy HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % gateway.port

    with socket.create_connection(("127.0.0.1", gateway.port)) as connection, connection.makefile("rb") as answers:
        for _ in range(2):
            connection.sendall(request)
            received = b""
            while not received.endswith(b"\r\n0\r\n\r\n"):
                received += answers.readline()
            assert b"data: 2\n\n" in received


def test_stream_of_7_mb_of_bytes_arrives_whole(gateway: Gateway) -> None:
    response = httpx.get(f"{gateway.url}/streams/large")

    assert response.content == bytes(range(256)) * 4096 * 7


@pytest.mark.parametrize("behaviour", ["fails_at_once", "huge_head", "ordinary"])
def test_no_stream_began_is_a_502(behaviour: str, gateway: Gateway) -> None:
    """`ordinary` too: a STREAM integration understands the streamed form only."""
    response = httpx.get(f"{gateway.url}/streams/{behaviour}")

    assert (response.status_code, response.headers["content-type"]) == (502, "application/problem+json")
    assert response.json()["code"] == "function_failed"


def test_ordinary_response_in_streamed_form_arrives_with_its_status(gateway: Gateway) -> None:
    response = httpx.get(f"{gateway.url}/streams/ordinary_streamed")

    assert (response.status_code, response.headers["content-type"]) == (409, "application/problem+json")
    assert response.json() == {"code": "busy"}


def test_empty_stream_is_an_empty_response(gateway: Gateway) -> None:
    response = httpx.get(f"{gateway.url}/streams/empty")

    assert (response.status_code, response.content) == (200, b"")


def test_error_midway_cuts_the_connection(gateway: Gateway) -> None:
    received = receive_until_cut(f"{gateway.url}/streams/fails_midway")

    assert received == b"one "
    assert httpx.get(f"{gateway.url}/streams/proxy").status_code == 202


def test_process_that_dies_midway_cuts_the_connection(gateway: Gateway, progress: Progress) -> None:
    received = receive_until_cut(f"{gateway.url}/streams/dies_midway", after_first=progress.release)

    assert received == b"one "
    assert httpx.get(f"{gateway.url}/streams/proxy").status_code == 202


def test_function_runs_to_its_end_when_the_client_leaves(gateway: Gateway, progress: Progress) -> None:
    with httpx.stream("GET", f"{gateway.url}/streams/leaves") as response:
        assert next(response.iter_raw()) == b"one "
    progress.release()

    wait_until(lambda: progress.finished)


def test_slow_reader_gets_everything(gateway: Gateway) -> None:
    with httpx.stream("GET", f"{gateway.url}/streams/endless", timeout=30) as response:
        size = sum(len(chunk) for chunk in response.iter_raw(chunk_size=4096))

    assert size == 64 * MEBIBYTE


def test_client_that_takes_nothing_is_dropped_and_holds_up_nobody(progress: Progress) -> None:
    with (
        hurried(progress, client_behind_bytes=100_000, client_stall_seconds=0.2) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port)) as connection,
    ):
        connection.sendall(b"GET /streams/endless HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % gateway.port)

        wait_until(lambda: progress.finished)

        assert not read_until_reset(connection).endswith(b"0\r\n\r\n")


def test_silence_for_too_long_cuts_the_stream(progress: Progress) -> None:
    with hurried(progress, stream_idle_seconds=0.2) as gateway:
        assert receive_until_cut(f"{gateway.url}/streams/silent") == b"one "
        progress.release()  # by the gateway: the function still runs


def test_stream_that_lasts_too_long_is_cut(progress: Progress) -> None:
    with hurried(progress, stream_seconds=1) as gateway:
        wait_until(lambda: httpx.get(f"{gateway.url}/streams/proxy").status_code == 202)
        assert receive_until_cut(f"{gateway.url}/streams/silent") == b"one "
        progress.release()  # by the gateway: the function still runs


def test_stream_that_never_begins_times_out(progress: Progress) -> None:
    with hurried(progress, stream_seconds=0.2) as gateway:
        response = httpx.get(f"{gateway.url}/streams/never_begins")

    assert (response.status_code, response.json()["code"]) == (504, "gateway_timeout")


def test_stream_over_lambdas_limit_is_cut(progress: Progress) -> None:
    with hurried(progress, stream_response_bytes=3 * MEBIBYTE) as gateway:
        assert len(receive_until_cut(f"{gateway.url}/streams/large")) <= 3 * MEBIBYTE


def receive_until_cut(url: str, after_first: Callable[[], None] = lambda: None) -> bytes:
    """What arrived before the connection broke; fails if the response ended properly."""
    received = b""
    try:
        with httpx.stream("GET", url, timeout=20) as response:
            for chunk in response.iter_raw():
                received += chunk
                if received == chunk:
                    after_first()
    except httpx.RemoteProtocolError:
        return received
    raise AssertionError("the response ended as if it were whole")


def read_until_reset(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(MEBIBYTE):
            received = (received + data)[-100:]
    except ConnectionResetError:
        pass
    return received
