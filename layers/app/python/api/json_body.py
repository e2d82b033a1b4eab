"""Strict JSON from a request: what Python's parser would let through, a database or another parser would not."""

import json
import math
from collections.abc import Callable, Collection
from typing import Any, NoReturn, TypeVar, cast

from api.errors import MalformedRequestError
from session_store.document import Document
from session_store.errors import InvalidInputError
from session_store.raw_json import Member, Members, parse_members

Value = TypeVar("Value")


def parse(text: str, max_depth: int) -> Any:
    """The value of `text`, or `MalformedRequestError`; NUL and lone surrogates inside strings are kept."""
    return _parse(text, max_depth, _DECODER.decode)


def parse_document(text: str, max_depth: int, nested: Collection[str] = ()) -> Document:
    """The object that `text` is, as `Document.parse` has it. Raises what `parse` raises, and `InvalidInputError`."""
    return Document(_parse(text, max_depth, lambda text: _members(text, nested)))


def _members(text: str, nested: Collection[str]) -> Members:
    try:
        return parse_members(text, nested, _DECODER)
    except ValueError as error:
        _DECODER.decode(text)  # says where it is no JSON
        raise InvalidInputError("body", "must be a JSON object") from error


def _parse(text: str, max_depth: int, parse_text: Callable[[str], Value]) -> Value:
    if not text.strip():
        raise MalformedRequestError("is empty")
    try:
        value = parse_text(text)
    except InvalidInputError:
        raise
    except json.JSONDecodeError as error:
        raise MalformedRequestError(f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise MalformedRequestError(_too_deep(max_depth)) from error
    except ValueError as error:  # a whole number of more than sys.get_int_max_str_digits() digits
        raise MalformedRequestError("has a number with too many digits") from error
    if _is_deeper(value, max_depth):
        raise MalformedRequestError(_too_deep(max_depth))
    return value


def _is_deeper(value: Any, max_depth: int) -> bool:
    """Level by level, so that no nesting can exhaust the stack."""
    level: list[Any] = [value]
    for _ in range(max_depth):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        members = cast(dict[str, Any], value).values()
        return [member.value if isinstance(member, Member) else member for member in members]
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


def _too_deep(max_depth: int) -> str:
    return f"is nested more than {max_depth} levels deep"


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise MalformedRequestError("names a member of an object twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedRequestError(f"contains {name}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedRequestError("has a number that is too large")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_refuse_constant, parse_float=_finite)
