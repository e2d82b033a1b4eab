"""What may be changed of a session by hand: its title, and its metadata by a merge patch (RFC 7396)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict, cast

from .errors import InvalidInputError
from .raw_json import dump_json

MAXIMUM_TITLE_LENGTH = 200
MAXIMUM_METADATA_BYTES = 8192
MAXIMUM_METADATA_DEPTH = 10


class SessionChanges(TypedDict, total=False):
    title: str | None
    metadata: Mapping[str, Any] | None


class SessionPatch(NamedTuple):
    """None leaves what is stored; the title '' and the metadata 'null' take it away. metadata: JSON text."""

    title: str | None = None
    metadata: str | None = None


def parse_session_patch(members: Any) -> SessionPatch:
    """Of `{"title": …, "metadata": {…}}`, each of them optional or null. Raises `InvalidInputError`."""
    if not isinstance(members, Mapping):
        raise InvalidInputError("body", "must be a JSON object")
    patch = cast(Mapping[str, Any], members)
    for name in patch:
        if name not in SessionPatch._fields:
            raise InvalidInputError(name, "is not a field that can be changed")
    return SessionPatch(
        title=_patched_title(patch["title"]) if "title" in patch else None,
        metadata=dump_metadata(patch["metadata"]) if "metadata" in patch else None,
    )


def dump_session_patch(patch: SessionPatch) -> str:
    """The document that `parse_session_patch` reads."""
    members: dict[str, Any] = {}
    if patch.title is not None:
        members["title"] = patch.title or None
    if patch.metadata is not None:
        members["metadata"] = json.loads(patch.metadata)
    return dump_json(members)


def checked_title(field: str, value: object) -> str:
    """Raises `InvalidInputError`."""
    if not isinstance(value, str):
        raise InvalidInputError(field, "must be text")
    if not 1 <= len(value) <= MAXIMUM_TITLE_LENGTH or not value.isprintable():
        raise InvalidInputError(field, f"must be 1 to {MAXIMUM_TITLE_LENGTH} printable characters")
    return value


def dump_metadata(value: Any, field: str = "metadata") -> str:
    """JSON text of an object or of null. Raises `InvalidInputError` for what is no metadata."""
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInputError(field, "must be a JSON object")
    if _is_deeper(value, MAXIMUM_METADATA_DEPTH):
        raise InvalidInputError(field, f"must be nested at most {MAXIMUM_METADATA_DEPTH} levels deep")
    if any(_is_no_text(text) for text in _texts(value)):  # jsonb cannot hold it
        raise InvalidInputError(field, "must have no NUL and no lone surrogate in its text")
    try:
        text = dump_json(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(field, f"must be JSON: {error}") from error
    if len(text.encode()) > MAXIMUM_METADATA_BYTES:
        raise metadata_too_large()
    return text


def metadata_too_large() -> InvalidInputError:
    return InvalidInputError("metadata", f"must take at most {MAXIMUM_METADATA_BYTES} bytes")


def _patched_title(value: object) -> str:
    return "" if value is None else checked_title("title", value)


def _children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(cast(Mapping[str, Any], value).values())
    return list(cast(list[Any], value)) if isinstance(value, list | tuple) else []


def _is_deeper(value: Any, levels: int) -> bool:
    is_nested = isinstance(value, Mapping | list | tuple)
    return is_nested and (levels == 0 or any(_is_deeper(child, levels - 1) for child in _children(value)))


def _texts(value: Any) -> Iterator[str]:
    """Every text of a value that is not too deep, names included."""
    if isinstance(value, str):
        yield value
    if isinstance(value, Mapping):
        yield from cast(Mapping[str, Any], value)
    for child in _children(value):
        yield from _texts(child)


def _is_no_text(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)
