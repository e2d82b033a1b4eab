import base64
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from response_streaming import StreamingResponse, streamed
from response_streaming.invocation_stream import post_stream
from response_streaming.response import encode, find_stream


def test_prelude_holds_what_is_set_and_ends_with_eight_nuls() -> None:
    prelude = StreamingResponse([], 201, {"X-A": "1"}, ["a=1"], {"X-B": ["2", "3"]}).prelude()

    assert prelude.endswith(bytes(8))
    assert json.loads(prelude[:-8]) == {
        "statusCode": 201,
        "headers": {"X-A": "1"},
        "multiValueHeaders": {"X-B": ["2", "3"]},
        "cookies": ["a=1"],
    }


def test_prelude_over_16_kb_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="API Gateway reads 16384"):
        StreamingResponse(["never"], headers={"X-Long": "x" * 17_000}).started()


def test_started_computes_the_first_chunk_and_no_more() -> None:
    computed: list[int] = []

    def chunks() -> Iterator[str]:
        for number in range(3):
            computed.append(number)
            yield str(number)

    response = StreamingResponse(chunks()).started()

    assert computed == [0]
    assert [encode(chunk) for chunk in response.chunks] == [b"0", b"1", b"2"]


def test_started_raises_what_the_first_chunk_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        StreamingResponse(1 // number for number in (0,)).started()


@pytest.mark.parametrize(
    ("chunk", "sent"),
    [("é", b"\xc3\xa9"), (b"\x00\xff", b"\x00\xff"), (bytearray(b"a"), b"a"), ("\ud800", b"?")],
)
def test_chunk_is_sent_as_utf_8_or_as_it_is(chunk: object, sent: bytes) -> None:
    assert encode(chunk) == sent


def test_chunk_of_another_type_is_an_error() -> None:
    with pytest.raises(TypeError, match="a chunk must be str or bytes, not int"):
        encode(1)


def test_proxy_response_with_an_iterator_as_body_is_a_stream() -> None:
    body = iter(["a"])
    stream = find_stream({"statusCode": 418, "multiValueHeaders": {"A": ["1"]}, "body": body, "cookies": ["c=1"]})

    assert stream == StreamingResponse(body, 418, cookies=["c=1"], multi_value_headers={"A": ["1"]})


@pytest.mark.parametrize("result", [None, "text", ["a"], {"statusCode": 200, "body": "text"}, {"body": ["a"]}])
def test_other_results_are_no_stream(result: object) -> None:
    assert find_stream(result) is None


def test_joined_text_is_an_ordinary_proxy_response() -> None:
    response = StreamingResponse(["a", b"\xc3\xa9"], 201, {"X": "1"}, ["a=1", "b=2"])

    assert response.joined() == {
        "statusCode": 201,
        "headers": {"X": "1"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": "aé",
        "isBase64Encoded": False,
    }


def test_joined_bytes_that_are_no_text_are_base64() -> None:
    joined = StreamingResponse([b"\xff", b"\x00"]).joined()

    assert joined["isBase64Encoded"] is True
    assert base64.b64decode(joined["body"]) == b"\xff\x00"


def test_streamed_handler_streams_ordinary_proxy_responses_too() -> None:
    body = base64.b64encode(b"\xff").decode()
    handler = streamed(lambda event, context: {"statusCode": 400, "body": body, "isBase64Encoded": True})

    stream = handler({}, None)

    assert isinstance(stream, StreamingResponse)
    assert (stream.status_code, b"".join(map(encode, stream.chunks))) == (400, b"\xff")


@pytest.mark.parametrize("result", [StreamingResponse([]), {"body": iter(())}, {"any": "thing"}, None, 1])
def test_streamed_handler_passes_everything_else(result: object) -> None:
    assert streamed(lambda event, context: result)({}, None) is result


def test_chunks_are_drained_when_the_receiver_leaves(caplog: pytest.LogCaptureFixture) -> None:
    left, drained = threading.Event(), threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"first"
        left.wait()
        for _ in range(100):
            yield bytes(100_000)
        drained.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver = threading.Thread(target=_leave_after_the_head, args=(server, left))
        receiver.start()
        post_stream(f"127.0.0.1:{server.getsockname()[1]}", "id", StreamingResponse(chunks()))
        receiver.join()

    assert drained.is_set()
    assert [record.message.partition(",")[0] for record in caplog.records] == ["the receiver of the response is gone"]


def test_chunks_are_drained_when_the_receiver_takes_nothing() -> None:
    chunks = iter([bytes(32 * 1024 * 1024), b"more"])

    with socket.create_server(("127.0.0.1", 0)) as server:  # the system accepts, nobody reads
        post_stream(f"127.0.0.1:{server.getsockname()[1]}", "id", StreamingResponse(chunks), stall_seconds=0.1)

    assert list(chunks) == []


def test_chunks_are_drained_when_there_is_no_receiver_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"127.0.0.1:{server.getsockname()[1]}"
    chunks = iter(["a", "b"])

    post_stream(nobody, "id", StreamingResponse(chunks))

    assert list(chunks) == []


def _leave_after_the_head(server: socket.socket, left: threading.Event) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(10)
    left.set()
