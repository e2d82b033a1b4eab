"""What an operation answers, whichever server sends it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from session_store.raw_json import dump_json

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Response:
    """body: an iterator of text is sent piece by piece, where the server can; bytes are sent as they are."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | bytes | Iterator[str] = ""


def json_response(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return text_response(dump_json(value), "application/json", status)


def text_response(
    body: str, media_type: str, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(int(status), {**_HEADERS, "Content-Type": media_type, **(headers or {})}, body)


def no_content() -> Response:
    return Response(int(HTTPStatus.NO_CONTENT), _HEADERS)
