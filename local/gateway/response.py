"""Parses a function's response by the rules of Lambda proxy integrations.

docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (output format) and
response-transfer-mode-lambda.html (streamed form).
"""

import binascii
from base64 import b64decode
from collections.abc import AsyncIterator

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from local.gateway.gateway_problems import GatewayProblem, GatewayProblemError

DELIMITER = bytes(8)
# Hop-by-hop headers: the gateway sets these itself.
HOP_HEADERS = {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "trailer"}

HeaderValue = str | StrictBool | int | float


class Head(BaseModel):
    """The status and headers of a buffered response or of a stream's prelude."""

    model_config = ConfigDict(validate_by_alias=True)

    status: int = Field(alias="statusCode", ge=200, le=599)
    single: dict[str, HeaderValue] | None = Field(alias="headers", default=None)
    multiple: dict[str, list[HeaderValue]] | None = Field(alias="multiValueHeaders", default=None)
    cookies: list[str] | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers; a name in `multiValueHeaders` replaces the same name in `headers`."""
        multiple = self.multiple or {}
        replaced = {name.lower() for name in multiple} | HOP_HEADERS
        headers = [(name, value) for name, value in (self.single or {}).items() if name.lower() not in replaced]
        headers += [(name, value) for name, values in multiple.items() for value in values]
        headers += [("Set-Cookie", cookie) for cookie in self.cookies or []]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        return [(name, _dump_header(value)) for name, value in headers if name.lower() not in HOP_HEADERS]


class ProxyResponse(Head):
    body: str | None = None
    is_base64: bool = Field(alias="isBase64Encoded", default=False)

    def body_bytes(self, decode_base64: bool) -> bytes:
        """Decodes base64 only for a client that accepts binary. Raises `GatewayProblemError` if it is not base64."""
        if not (self.is_base64 and decode_base64):
            return (self.body or "").encode()
        try:
            return b64decode(self.body or "", validate=True)
        except binascii.Error as error:
            raise GatewayProblemError(GatewayProblem.FUNCTION_FAILED) from error


def parse_response(payload: bytes) -> ProxyResponse:
    """Parse a buffered proxy response. Raises `GatewayProblemError` if it is not one."""
    try:
        return ProxyResponse.model_validate_json(payload)
    except ValidationError as error:
        raise GatewayProblemError(GatewayProblem.FUNCTION_FAILED) from error


async def read_prelude(chunks: AsyncIterator[bytes], limit: int) -> tuple[Head, bytes]:
    """A stream's metadata, and what followed its delimiter in the same chunk. Raises `GatewayProblemError`."""
    received = b""
    async for chunk in chunks:
        received += chunk
        metadata, delimiter, _ = received[:limit].partition(DELIMITER)
        if delimiter:
            return _parse_prelude(metadata), received[len(metadata) + len(delimiter) :]
        if len(received) >= limit:
            break
    raise GatewayProblemError(GatewayProblem.FUNCTION_FAILED)


def _parse_prelude(metadata: bytes) -> Head:
    try:
        return Head.model_validate_json(metadata)
    except ValidationError as error:
        raise GatewayProblemError(GatewayProblem.FUNCTION_FAILED) from error


def _dump_header(value: HeaderValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
