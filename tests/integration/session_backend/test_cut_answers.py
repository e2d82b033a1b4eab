"""The HTTP transport where a connection ends within an answer, at each byte of it."""

import http.client
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from session_store.http.connection import Connection
from session_store.settings import StoreSettings

BODY = b'{"session_id":"s"}'
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"10\r\n" + BODY[:16] + b"\r\n2\r\n" + BODY[16:] + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
WITHOUT_BODY = b"HTTP/1.1 204 No Content\r\nX-Request: 1\r\n\r\n"
REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(answers: Sequence[bytes]) -> Iterator[Connection]:
    """A connection to a server that gives one of `answers` on each connection, and then ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answers), daemon=True)
        thread.start()
        connection = Connection(StoreSettings(url=f"http://127.0.0.1:{listener.getsockname()[1]}"))
        yield connection
        thread.join()
        connection.close()


def _serve(listener: socket.socket, answers: Sequence[bytes]) -> None:
    for answer in answers:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(answer)


@pytest.mark.parametrize("answer", [WITH_LENGTH, CHUNKED, WITHOUT_BODY, REFUSAL])
def test_an_answer_cut_at_any_byte_is_lost_and_a_whole_one_is_not(answer: bytes) -> None:
    cut = [answer[:size] for size in range(len(answer))]
    with server([*cut, answer]) as connection:
        for _ in cut:
            with pytest.raises((OSError, http.client.HTTPException)):
                connection.exchange("GET", "/", None, {})

        status, text = connection.exchange("GET", "/", None, {})

    assert (status, text) == (int(answer[9:12]), BODY.decode() if status == 200 else "{}" if status == 404 else "")


def test_an_answer_that_only_the_end_of_its_connection_ends_may_be_cut_too() -> None:
    with (
        server([b"HTTP/1.1 200 OK\r\n\r\n" + BODY]) as connection,
        pytest.raises(http.client.HTTPException),
    ):
        connection.exchange("GET", "/", None, {})


def test_a_header_too_long_is_refused_as_such() -> None:
    with (
        server([b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n"]) as connection,
        pytest.raises(http.client.LineTooLong),
    ):
        connection.exchange("GET", "/", None, {})
