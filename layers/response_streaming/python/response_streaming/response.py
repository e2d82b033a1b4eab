"""What a handler may return to stream, and its two forms: prelude and chunks, or one joined proxy response."""

import functools
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

# API Gateway looks for the eight NULs within the first 16 KB of the stream:
# docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
DELIMITER = bytes(8)
PRELUDE_LIMIT_BYTES = 16 * 1024


@dataclass
class StreamingResponse:
    """A response sent chunk by chunk, as soon as `chunks` yields.

    `str` chunks go out as UTF-8 (what UTF-8 cannot hold becomes `?`), `bytes` as they are. `cookies` are whole
    `Set-Cookie` values. An exception before the first chunk fails the invocation; a later one ends the stream as
    broken. If the receiver goes away, `chunks` is still read to its end, so that work in it completes.
    """

    chunks: Iterable[bytes | str]
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cookies: Sequence[str] = ()
    multi_value_headers: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def prelude(self) -> bytes:
        """The metadata that precedes the chunks, delimiter included; `ValueError` if it is over API Gateway's 16 KB."""
        metadata = {
            "statusCode": self.status_code,
            "headers": dict(self.headers),
            "multiValueHeaders": {name: list(values) for name, values in self.multi_value_headers.items()},
            "cookies": list(self.cookies),
        }
        prelude = json.dumps({name: value for name, value in metadata.items() if value}).encode() + DELIMITER
        if len(prelude) > PRELUDE_LIMIT_BYTES:
            raise ValueError(f"status, headers and cookies take {len(prelude)} bytes; API Gateway reads 16384")
        return prelude

    def started(self) -> "StreamingResponse":
        """The same response with its first chunk already computed; raises what computing it raises."""
        self.prelude()
        chunks = iter(self.chunks)
        first = [encode(chunk) for chunk in _take_first(chunks)]
        self.chunks = chain(first, chunks)
        return self

    def joined(self) -> dict[str, Any]:
        """An ordinary proxy response with all chunks in one body, base64 if they are not UTF-8 text."""
        body = b"".join(map(encode, self.chunks))
        multi_value_headers = {name: list(values) for name, values in self.multi_value_headers.items()}
        if self.cookies:
            multi_value_headers["Set-Cookie"] = [*multi_value_headers.get("Set-Cookie", []), *self.cookies]
        response = {"statusCode": self.status_code, "headers": dict(self.headers)}
        response |= {"multiValueHeaders": multi_value_headers, **_proxy_body(body)}
        return response


def encode(chunk: object) -> bytes:
    if isinstance(chunk, str):
        return chunk.encode("utf-8", errors="replace")
    if isinstance(chunk, bytes | bytearray):
        return bytes(chunk)
    raise TypeError(f"a chunk must be str or bytes, not {type(chunk).__name__}")


def find_stream(result: object) -> StreamingResponse | None:
    """The streamed response in a handler's result: itself, or a proxy response whose `body` is an iterator."""
    if isinstance(result, StreamingResponse):
        return result
    if isinstance(result, dict):
        response = cast("dict[str, Any]", result)
        if isinstance(response.get("body"), Iterator):
            return _from_proxy(response, response["body"])
    return None


def streamed(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a handler behind an integration whose response transfer mode is STREAM.

    Such an integration understands the streamed form only: this gives it to ordinary proxy responses (an error
    answered before the stream, say) too. Other results pass unchanged.
    """

    @functools.wraps(handler)
    def stream(*arguments: Any, **named: Any) -> Any:
        result: Any = handler(*arguments, **named)
        if find_stream(result) is None and isinstance(result, dict) and "statusCode" in result:
            response = cast("dict[str, Any]", result)
            return _from_proxy(response, [_body_bytes(response)])
        return cast("Any", result)

    return stream


def _from_proxy(response: Mapping[str, Any], chunks: Iterable[bytes | str]) -> StreamingResponse:
    return StreamingResponse(
        chunks,
        status_code=response.get("statusCode", 200),
        headers=response.get("headers") or {},
        cookies=response.get("cookies") or (),
        multi_value_headers=response.get("multiValueHeaders") or {},
    )


def _body_bytes(response: Mapping[str, Any]) -> bytes:
    body = response.get("body") or ""
    return b64decode(body) if response.get("isBase64Encoded") else encode(body)


def _proxy_body(body: bytes) -> dict[str, Any]:
    try:
        return {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": b64encode(body).decode("ascii"), "isBase64Encoded": True}


def _take_first(chunks: Iterator[bytes | str]) -> list[bytes | str]:
    for chunk in chunks:
        return [chunk]
    return []
