"""JSON text as it is stored: key order, big integers, floats, NUL and lone surrogates survive unchanged."""

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from math import isfinite
from typing import Any, NoReturn, TypeVar, cast

from .errors import InvalidInputError, UnstorableValueError
from .message_text import read_text

Item = TypeVar("Item")

PREVIEW_LENGTH = 120
BYTES_MARK = "__bytes_encoded__"
_JSON = "json"
_ALWAYS_PARSABLE_LENGTH = 900  # neither nested too deeply nor with a number of too many digits
_BATCH_SIZE = 100
_DECODER = json.JSONDecoder()


def _encode_bytes(value: object) -> dict[str, object]:
    if isinstance(value, bytes):
        return {BYTES_MARK: True, "data": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} is not a JSON value")


# `json.dumps` makes one for each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_bytes)
_ASCII_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_encode_bytes)


def encode(field: str, value: Any) -> str:
    """JSON text of `value`; bytes become Strands' `{"__bytes_encoded__": true, "data": base64}`.

    An object that only looks like that, as a tool's own JSON may, becomes `{"__bytes_encoded__": "json", "data": …}`.
    Raises `UnstorableValueError` for what JSON cannot hold: NaN, infinity, sets, objects, endless nesting.
    """
    try:
        text = _text_of(value)
        if BYTES_MARK in text and decode(text) != value:
            text = _text_of(_marked(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise UnstorableValueError(field, f"cannot be stored as JSON: {error}") from error
    return text


def decode(text: str) -> Any:
    """The value of `encode`'s text, or of any that PostgreSQL took for JSON, bytes as bytes again."""
    if BYTES_MARK in text:
        # A hook, for it costs no stack: whatever nesting `encode` took can be read again.
        return json.loads(text, object_hook=decoded_object)
    # Half the time of `loads`, which looks for more text behind the value.
    return _DECODER.raw_decode(text.lstrip())[0]


def decode_all(texts: Sequence[str]) -> list[Any]:
    """`decode` of each text; most texts can be parsed together, which takes less time. Raises what it raises."""
    joined = f"[{','.join(texts)}]"
    values = [] if BYTES_MARK in joined else _parse_list(joined)
    # A text with two values is none, and would shift the others.
    return values if len(values) == len(texts) else [decode(text) for text in texts]


def _parse_list(text: str) -> list[Any]:
    """None of it where it is none, or is one level too deep only as a list."""
    try:
        return _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return []


def batched(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """As many at a time as `decode_all` should have: a text that it has to parse alone makes its batch slow."""
    for start in range(0, len(items), _BATCH_SIZE):
        yield items[start : start + _BATCH_SIZE]


def decoded_object(members: dict[str, Any]) -> Any:
    """A hook for `json.loads`: bytes for what stands for them.

    What nobody can have encoded stays as it is: it must not make its session unreadable.
    """
    if not _looks_encoded(members):
        return members
    data: str = members["data"]
    try:
        return _parse_strictly(data) if members[BYTES_MARK] == _JSON else base64.b64decode(data, validate=True)
    except (ValueError, RecursionError):
        return members


def is_parsable(text: str) -> bool:
    """Whether the text of a JSON value that PostgreSQL took is an object that Python's parser takes."""
    if not text.lstrip().startswith("{"):
        return False
    if len(text) < _ALWAYS_PARSABLE_LENGTH:
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parse_strictly(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    return number if isfinite(number := float(text)) else _refuse(text)


def _text_of(value: Any) -> str:
    text = _ENCODER.encode(value)
    if text.isascii() or _is_unicode(text):
        return text
    # A lone surrogate has no UTF-8: it is kept as an escape.
    return _ASCII_ENCODER.encode(value)


def checked_timestamp(field: str, value: object) -> str:
    """An ISO 8601 timestamp as Strands writes it, unchanged; now, where it is empty.

    Of the years 2 to 9998: in another time zone the first and the last one may be none that Python can read.
    """
    if value == "":
        return datetime.now(UTC).isoformat()
    try:
        moment = datetime.fromisoformat(cast(str, value))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(field, "must be an ISO 8601 timestamp") from error
    if not MINYEAR < moment.year < MAXYEAR:
        raise InvalidInputError(field, f"must lie between the years {MINYEAR} and {MAXYEAR}")
    return cast(str, value)


def preview_of(message: Any) -> str:
    """The beginning of a message's text in one printable line of at most `PREVIEW_LENGTH` characters."""
    content: Any = cast(dict[str, Any], message).get("content") if isinstance(message, dict) else None
    words = " ".join(read_text(cast(list[Any], content) if isinstance(content, list) else []).split())
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)
    return printable if len(printable) <= PREVIEW_LENGTH else printable[: PREVIEW_LENGTH - 1] + "…"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _marked(value: Any) -> Any:
    """`value` with its objects that look like encoded ones encoded themselves."""
    if isinstance(value, list | tuple):
        return [_marked(item) for item in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    members = {key: _marked(member) for key, member in cast(dict[str, Any], value).items()}
    return {BYTES_MARK: _JSON, "data": _text_of(members)} if _looks_encoded(members) else members


def _looks_encoded(members: dict[str, Any]) -> bool:
    mark = members.get(BYTES_MARK)
    return (mark is True or mark == _JSON) and len(members) == 2 and isinstance(members.get("data"), str)
