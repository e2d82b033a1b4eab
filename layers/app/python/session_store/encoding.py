"""JSON text as it is stored: key order, big integers, floats, NUL and lone surrogates survive unchanged."""

import base64
import binascii
import json
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, cast

from .errors import InvalidInputError, UnstorableValueError

PREVIEW_LENGTH = 120
_BYTES_MARK = "__bytes_encoded__"


def encode(field: str, value: Any) -> str:
    """JSON text of `value`; bytes become Strands' `{"__bytes_encoded__": true, "data": base64}`.

    Raises `UnstorableValueError` for what JSON cannot hold: NaN, infinity, sets, objects, endless nesting.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_bytes)
        if not text.isascii() and not _is_unicode(text):  # a lone surrogate has no UTF-8: keep it as an escape
            text = json.dumps(value, allow_nan=False, separators=(",", ":"), default=_encode_bytes)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnstorableValueError(field, f"cannot be stored as JSON: {error}") from error
    return text


def decode(text: str) -> Any:
    """The value of `encode`'s text, bytes as bytes again."""
    # A hook, for it costs no stack: whatever nesting `encode` took can be read again.
    return json.loads(text, object_hook=_bytes_or_object if _BYTES_MARK in text else None)


def checked_timestamp(field: str, value: object) -> str:
    """An ISO 8601 timestamp as Strands writes it, unchanged.

    Of the years 2 to 9998: in another time zone the first and the last one may be none that Python can read.
    """
    try:
        moment = datetime.fromisoformat(cast(str, value))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(field, "must be an ISO 8601 timestamp") from error
    if not MINYEAR < moment.year < MAXYEAR:
        raise InvalidInputError(field, f"must lie between the years {MINYEAR} and {MAXYEAR}")
    return cast(str, value)


def preview_of(message: Any) -> str:
    """The first text of a message in one printable line of at most `PREVIEW_LENGTH` characters."""
    content: Any = cast(dict[str, Any], message).get("content") if isinstance(message, dict) else None
    blocks = cast(list[Any], content) if isinstance(content, list) else []
    texts = (cast(dict[str, Any], block).get("text") for block in blocks if isinstance(block, dict))
    first = next((text for text in texts if isinstance(text, str)), "")
    words = " ".join(first.split())
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)
    return printable if len(printable) <= PREVIEW_LENGTH else printable[: PREVIEW_LENGTH - 1] + "…"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode_bytes(value: object) -> dict[str, object]:
    if isinstance(value, bytes):
        return {_BYTES_MARK: True, "data": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _bytes_or_object(members: dict[str, Any]) -> Any:
    """As it is what only looks like bytes, as a tool's own JSON may: it must not make its session unreadable."""
    data = members.get("data")
    if members.get(_BYTES_MARK) is not True or len(members) != 2 or not isinstance(data, str):
        return members
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return members
