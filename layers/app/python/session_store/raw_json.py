"""Reads and writes JSON documents around values that pass as the text they are. Public.

Parsing a value and writing it again would change what a message may hold: `1.0` and `1.00`, integers beyond 64 bits,
lone surrogates, the order of members. So a document is taken apart by position, and put together by concatenation.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

DECODER = json.JSONDecoder()
_SPACE = (" ", "\t", "\n", "\r")


class Member(NamedTuple):
    """A member's JSON text, unchanged, and its value; of a nested document its members, of a list each item's."""

    text: str
    value: Any


Members = dict[str, Member]


def dump_json(value: Any) -> str:
    """Compact JSON that has a UTF-8 form: a lone surrogate becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def dump_object(members: Mapping[str, str]) -> str:
    """An object of JSON texts."""
    return "{" + ",".join(f"{dump_json(name)}:{text}" for name, text in members.items()) + "}"


def dump_list(items: Iterable[str]) -> str:
    return "[" + ",".join(items) + "]"


def parse_members(text: str, nested: Collection[str] = (), decoder: json.JSONDecoder = DECODER) -> Members:
    """The members of an object; each is parsed once.

    nested: the names of those that are documents or lists of documents themselves. decoder: has a say in every object.
    Raises `ValueError`, `RecursionError` for too deep a nesting, and what the decoder raises.
    """
    members, end = _parse_object(text, _skip(text, 0), nested, decoder)
    if _skip(text, end) != len(text):
        raise ValueError("more stands behind the object")
    return members


def _parse_object(text: str, start: int, nested: Collection[str], decoder: json.JSONDecoder) -> tuple[Members, int]:
    pairs: list[tuple[str, Member]] = []
    position = _after(text, start, "{")
    while text[position : position + 1] != "}":
        name, end = decoder.raw_decode(text, position)
        if not isinstance(name, str):
            raise ValueError("a member's name is no text")
        start = _after(text, end, ":")
        value, end = _parse_value(text, start, name in nested, decoder)
        pairs.append((name, Member(text[start:end], value)))
        position = _next(text, end, "}")
    hook = decoder.object_pairs_hook
    return dict(pairs) if hook is None else hook(pairs), position + 1


def _parse_value(text: str, start: int, nested: bool, decoder: json.JSONDecoder) -> tuple[Any, int]:
    opening = text[start : start + 1]
    if nested and opening == "{":
        return _parse_object(text, start, (), decoder)
    if nested and opening == "[":
        return _parse_list(text, start, decoder)
    return decoder.raw_decode(text, start)


def _parse_list(text: str, start: int, decoder: json.JSONDecoder) -> tuple[list[Any], int]:
    items: list[Any] = []
    position = _after(text, start, "[")
    while text[position : position + 1] != "]":
        item, end = _parse_value(text, position, text[position : position + 1] == "{", decoder)
        items.append(item)
        position = _next(text, end, "]")
    return items, position + 1


def _after(text: str, position: int, mark: str) -> int:
    """Where the next token behind `mark` begins."""
    position = _skip(text, position)
    if text[position : position + 1] != mark:
        raise ValueError(f"{mark} is missing")
    return _skip(text, position + 1)


def _next(text: str, position: int, closing: str) -> int:
    """Where the next element or `closing` is."""
    position = _skip(text, position)
    if text[position : position + 1] == closing:
        return position
    position = _after(text, position, ",")
    if text[position : position + 1] == closing:
        raise ValueError("nothing stands behind a comma")
    return position


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] in _SPACE and position < len(text):
        position += 1
    return position
