"""One request, as API Gateway's REST proxy event carries it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import unquote

from api import json_body
from api.caller import owner_of
from api.errors import (
    InvalidRequestError,
    MalformedRequestError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from api.settings import Settings
from session_store import identifiers

Option = TypeVar("Option", bound=str)
_SECONDS_TO_END_A_RUN = 3.0


@dataclass(frozen=True, slots=True)
class Request:
    """`remaining_seconds`: how long Lambda lets this invocation run."""

    event: Mapping[str, Any]
    settings: Settings
    remaining_seconds: float

    @property
    def request_id(self) -> str:
        """The gateway's id of the request, which its access log has too."""
        return str(self.event["requestContext"].get("requestId", ""))

    @property
    def owner(self) -> str:
        return owner_of(self.event["requestContext"], sam_local=self.settings.sam_local)

    def deadline_seconds(self, limit_seconds: float) -> float:
        """How long a run may take: `limit_seconds`, but never so long that Lambda ends the process before the run."""
        return max(1.0, min(limit_seconds, self.remaining_seconds - _SECONDS_TO_END_A_RUN))

    def identifier(self, name: str) -> str:
        """A path parameter. Raises `InvalidIdentifierError`."""
        parameters: Mapping[str, str] = self.event.get("pathParameters") or {}
        value = parameters.get(name, "")
        # A REST API hands over what the client sent, percent-encoded; `sam local` has decoded it already.
        return identifiers.checked(name, value if self.settings.sam_local else unquote(value, errors="surrogateescape"))

    def header(self, name: str) -> str | None:
        headers: Mapping[str, str] = self.event.get("headers") or {}
        return next((value for key, value in headers.items() if key.lower() == name.lower()), None)

    def query(self, *names: str) -> "Query":
        """The query's parameters; `InvalidRequestError` for one that is not named here, or that comes twice."""
        given: Mapping[str, list[str]] = self.event.get("multiValueQueryStringParameters") or {}
        unknown = [(name, "is not a parameter of this route") for name in given if name not in names]
        repeated = [(name, "is given more than once") for name, values in given.items() if len(values) > 1]
        if unknown or repeated:
            raise InvalidRequestError(unknown + repeated)
        return Query({name: values[0] for name, values in given.items()})

    def json(self) -> Any:
        """The body's value. Raises `UnsupportedMediaTypeError`, `PayloadTooLargeError`, `MalformedRequestError`."""
        return json_body.parse(self.text(), self.settings.max_json_depth)

    def text(self) -> str:
        """The body. Raises `UnsupportedMediaTypeError`, `PayloadTooLargeError`, `MalformedRequestError`."""
        _check_media_type(self.header("Content-Type"))
        body: str = self.event.get("body") or ""
        limit = self.settings.max_body_bytes
        # Base64 has four characters for three bytes; a character of text has at least one byte.
        if len(body) <= limit * 4 // 3 + 4:
            content = _decoded(body) if self.event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
            if len(content) <= limit:
                return _unicode(content)
        raise PayloadTooLargeError("body", f"is larger than {limit} bytes")


@dataclass(frozen=True, slots=True)
class Query:
    """The query's parameters, each read by its own rule; `InvalidRequestError` names the one that breaks it."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value == "":
            raise InvalidRequestError([(name, "must not be empty")])
        return value

    def identifier(self, name: str, default: str) -> str:
        return identifiers.checked(name, self.values.get(name, default))

    def choice(self, name: str, options: tuple[Option, ...]) -> Option:
        """One of `options`, by default the first."""
        value = self.values.get(name, options[0])
        for option in options:
            if option == value:
                return option
        raise InvalidRequestError([(name, f"must be {' or '.join(options)}")])

    def whole_number(self, name: str, default: int, minimum: int, maximum: int) -> int:
        text = self.values.get(name)
        if text is None:
            return default
        if text.isascii() and text.isdigit() and len(text) <= len(str(maximum)) and minimum <= int(text) <= maximum:
            return int(text)
        raise InvalidRequestError([(name, f"must be a whole number from {minimum} to {maximum}")])


def _check_media_type(content_type: str | None) -> None:
    if content_type is None:
        raise UnsupportedMediaTypeError("must be application/json")
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() != "application/json":
        raise UnsupportedMediaTypeError("must be application/json")
    try:
        charset = message.get_content_charset() or "utf-8"
    except ValueError as error:  # a parameter's continuation with a number of thousands of digits
        raise UnsupportedMediaTypeError("has parameters that cannot be read") from error
    if charset.replace("_", "-").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaTypeError("must have the charset utf-8")


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedRequestError("is not base64, as the gateway says it is") from error


def _unicode(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise MalformedRequestError(f"is not UTF-8 at byte {error.start}") from error
