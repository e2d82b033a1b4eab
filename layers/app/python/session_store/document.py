"""A JSON object that somebody sent, read member by member. Public."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Self, TypeVar, cast

from . import identifiers
from .encoding import PREVIEW_LENGTH, checked_timestamp
from .errors import InvalidInputError
from .raw_json import DECODER, Members, parse_members

Option = TypeVar("Option", bound=str)


class Document:
    """An object's members, read by name. Each reading raises `InvalidInputError` naming the member."""

    def __init__(self, members: Members) -> None:
        self._members = members

    @classmethod
    def parse(cls, text: str, nested: Collection[str] = (), decoder: json.JSONDecoder = DECODER) -> Self:
        """`nested`: the members that `document` and `documents` read. Raises what `parse_members` raises."""
        return cls(parse_members(text, nested, decoder))

    def refuse_others(self, names: Collection[str]) -> Self:
        for name in self._members:
            if name not in names:
                raise InvalidInputError(name, "is not a member of this document")
        return self

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return name in self._members and self._members[name].text != "null"

    def names(self, name: str) -> bool:
        """Whether it is there, be it null."""
        return name in self._members

    def value(self, name: str) -> Any:
        return self._members[name].value if name in self._members else None

    def object(self, name: str) -> str:
        """The JSON text of an object, unchanged."""
        if not isinstance(self.value(name), dict):
            raise InvalidInputError(name, "must be a JSON object")
        return self._members[name].text

    def documents(self, name: str) -> list["Document"]:
        items = self.value(name)
        if not isinstance(items, list | None):
            raise InvalidInputError(name, "must be a list")
        return [_nested(name, item) for item in cast(list[Any], items or [])]

    def document(self, name: str) -> "Document":
        return _nested(name, self.value(name))

    def text(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str):
            raise InvalidInputError(name, "must be text")
        return value

    def identifier(self, name: str) -> str:
        return identifiers.checked(name, self.value(name))

    def run_id(self, name: str) -> str:
        return identifiers.checked_run_id(name, self.value(name))

    def whole_number(self, name: str) -> int:
        """As JSON has numbers: 3.0 is whole too."""
        value = self.value(name)
        is_whole = isinstance(value, float) and value.is_integer()
        return identifiers.checked_number(name, int(value) if is_whole else value)

    def ordinal_number(self, name: str) -> int:
        number = self.whole_number(name)
        if number < 1:
            raise InvalidInputError(name, "must be a whole number from 1")
        return number

    def flag(self, name: str) -> bool:
        return self.value(name) is True

    def timestamp(self, name: str) -> str:
        """As it is given; now, if it is not."""
        return checked_timestamp(name, self.value(name)) if self.has(name) else datetime.now(UTC).isoformat()

    def preview(self, name: str) -> str:
        preview = self.text(name)
        if len(preview) > PREVIEW_LENGTH or not preview.isprintable():
            raise InvalidInputError(name, f"must be printable text of at most {PREVIEW_LENGTH} characters")
        return preview

    def one_of(self, name: str, options: tuple[Option, ...]) -> Option:
        value = self.value(name)
        for option in options:
            if option == value:
                return option
        raise InvalidInputError(name, f"must be {' or '.join(options)}")


def _nested(name: str, members: Any) -> Document:
    if not isinstance(members, dict):
        raise InvalidInputError(name, "must be a JSON object")
    return Document(cast(Members, members))
