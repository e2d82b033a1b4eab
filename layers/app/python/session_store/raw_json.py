"""Reads and writes JSON documents around values that pass as the text they are.

Parsing a value and writing it again would change what a message may hold: `1.0` and `1.00`, integers beyond 64 bits,
lone surrogates, the order of members. So a document is taken apart by position, and put together by concatenation.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Result = TypeVar("Result")

_DECODER = json.JSONDecoder()
_SPACE = (" ", "\t", "\n", "\r")
_NOT_JSON = "is not a JSON document of the expected form"


def text_of(value: Any) -> str:
    """Compact JSON that has a UTF-8 form: a lone surrogate becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace").decode()


def object_text(values: Mapping[str, Any], raw: Mapping[str, str | None]) -> str:
    """An object of `values`, and of `raw` members that are JSON text already; None is null."""
    members = [f"{text_of(name)}:{text_of(value)}" for name, value in values.items()]
    members += [f"{text_of(name)}:{'null' if text is None else text}" for name, text in raw.items()]
    return "{" + ",".join(members) + "}"


def list_text(items: Iterable[str]) -> str:
    return "[" + ",".join(items) + "]"


def members_of(text: str) -> dict[str, str]:
    """The members of an object as JSON texts, unchanged. Raises `ValueError`."""
    members: dict[str, str] = {}
    position = _after(text, 0, "{")
    while text[position : position + 1] != "}":
        name, end = _DECODER.raw_decode(text, position)
        start = _after(text, end, ":")
        _, end = _DECODER.raw_decode(text, start)
        members[name] = text[start:end]
        position = _next(text, end, "}")
    return _whole(text, position, members)


def items_of(text: str) -> list[str]:
    """The items of a list as JSON texts, unchanged. Raises `ValueError`."""
    items: list[str] = []
    position = _after(text, 0, "[")
    while text[position : position + 1] != "]":
        _, end = _DECODER.raw_decode(text, position)
        items.append(text[position:end])
        position = _next(text, end, "]")
    return _whole(text, position, items)


def _after(text: str, position: int, mark: str) -> int:
    """Where the next token behind `mark` begins."""
    position = _skip(text, position)
    if text[position : position + 1] != mark:
        raise ValueError(_NOT_JSON)
    return _skip(text, position + 1)


def _next(text: str, position: int, closing: str) -> int:
    """Where the next element or `closing` is."""
    position = _skip(text, position)
    return position if text[position : position + 1] == closing else _after(text, position, ",")


def _whole(text: str, position: int, result: Result) -> Result:
    if _skip(text, position + 1) != len(text):
        raise ValueError(_NOT_JSON)
    return result


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] in _SPACE and position < len(text):
        position += 1
    return position
