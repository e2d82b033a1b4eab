"""Streamed results, one a behaviour. `MARKERS` is a folder where the test and the handler tell each other of progress:
the handler waits on the named pipe `go` for each step that the test allows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from response_streaming import StreamingResponse, streamed

MARKERS = Path(os.environ["MARKERS"])
TEXT = {"Content-Type": "text/plain"}


def handler(event: dict[str, Any], context: Any) -> Any:
    return BEHAVIOURS[event["pathParameters"]["behaviour"]](event)


def wait_for_test() -> None:
    (MARKERS / "go").read_text()


def steps(_: dict[str, Any]) -> StreamingResponse:
    def chunks() -> Iterator[bytes | str]:
        yield "one "
        wait_for_test()
        yield b"two "
        wait_for_test()
        yield "drei \N{SNOWMAN}"

    return StreamingResponse(chunks(), 201, TEXT | {"X-Head": "er"}, cookies=["a=1; Path=/", "b=2"])


def proxy(_: dict[str, Any]) -> dict[str, Any]:
    """As Powertools' resolver returns it."""

    def chunks() -> Iterator[str]:
        yield "data: 1\n\n"
        yield "data: 2\n\n"

    headers = {"Content-Type": ["text/event-stream"], "Set-Cookie": ["a=1", "b=2"]}
    return {"statusCode": 202, "multiValueHeaders": headers, "body": chunks(), "isBase64Encoded": False}


def fails_at_once(_: dict[str, Any]) -> StreamingResponse:
    def chunks() -> Iterator[str]:
        raise ValueError("before the first chunk")
        yield ""

    return StreamingResponse(chunks(), headers=TEXT)


def fails_midway(_: dict[str, Any]) -> StreamingResponse:
    def chunks() -> Iterator[str]:
        yield "one "
        raise OSError("midway")

    return StreamingResponse(chunks(), headers=TEXT)


def dies_midway(_: dict[str, Any]) -> StreamingResponse:
    def chunks() -> Iterator[str]:
        yield "one "
        wait_for_test()
        os._exit(7)

    return StreamingResponse(chunks(), headers=TEXT)


def large(_: dict[str, Any]) -> StreamingResponse:
    def chunks() -> Iterator[bytes]:
        for _ in range(7):
            yield bytes(range(256)) * 4096
        (MARKERS / "finished").write_text("")

    return StreamingResponse(chunks(), headers={"Content-Type": "application/octet-stream"})


def endless(_: dict[str, Any]) -> StreamingResponse:
    """More than any buffer between here and a client that reads nothing."""

    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(1024 * 1024)
        (MARKERS / "finished").write_text("")

    return StreamingResponse(chunks(), headers=TEXT)


def leaves(_: dict[str, Any]) -> StreamingResponse:
    """What a client leaves alone: goes on, and notes that it came to its end."""

    def chunks() -> Iterator[str]:
        yield "one "
        wait_for_test()
        for _ in range(20):
            yield "more " * 10_000
        (MARKERS / "finished").write_text("")

    return StreamingResponse(chunks(), headers=TEXT)


def silent(_: dict[str, Any]) -> StreamingResponse:
    def chunks() -> Iterator[str]:
        yield "one "
        wait_for_test()
        yield "two"

    return StreamingResponse(chunks(), headers=TEXT)


def never_begins(_: dict[str, Any]) -> StreamingResponse:
    wait_for_test()
    return StreamingResponse([])


def empty(_: dict[str, Any]) -> StreamingResponse:
    return StreamingResponse([])


def huge_head(_: dict[str, Any]) -> StreamingResponse:
    return StreamingResponse(["never"], headers={"X-Long": "x" * 17_000})


def ordinary(_: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 409, "headers": {"Content-Type": "application/problem+json"}, "body": '{"code": "busy"}'}


BEHAVIOURS = {
    "steps": steps,
    "proxy": proxy,
    "fails_at_once": fails_at_once,
    "fails_midway": fails_midway,
    "dies_midway": dies_midway,
    "large": large,
    "endless": endless,
    "leaves": leaves,
    "silent": silent,
    "never_begins": never_begins,
    "empty": empty,
    "huge_head": huge_head,
    "ordinary": ordinary,
    "ordinary_streamed": streamed(ordinary),
}
