"""A JSON object that somebody sent, read member by member."""

import json
from datetime import UTC, datetime
from typing import Any, Self

from . import identifiers
from .encoding import checked_timestamp
from .errors import InvalidInputError
from .raw_json import items_of, members_of


class Document:
    """An object's members, read by name. Each reading raises `InvalidInputError` naming the member."""

    def __init__(self, text: str) -> None:
        try:
            self._members = members_of(text)
        except ValueError as error:
            raise InvalidInputError("body", "must be a JSON object") from error

    def refuse_others(self, *names: str) -> Self:
        for name in self._members:
            if name not in names:
                raise InvalidInputError(name, "is not a member of this document")
        return self

    def has(self, name: str) -> bool:
        return name in self._members

    def raw(self, name: str) -> str | None:
        """The member's JSON text; None if it is null or missing."""
        text = self._members.get(name)
        return None if text == "null" else text

    def value(self, name: str) -> Any:
        text = self.raw(name)
        return None if text is None else json.loads(text)

    def object(self, name: str, default: str | None = None) -> str:
        """The JSON text of an object."""
        text = self.raw(name) or default
        if text is None or not text.startswith("{"):
            raise InvalidInputError(name, "must be a JSON object")
        return text

    def items(self, name: str) -> list[str]:
        text = self.raw(name) or "[]"
        if not text.startswith("["):
            raise InvalidInputError(name, "must be a list")
        return items_of(text)

    def documents(self, name: str) -> list["Document"]:
        return [Document(item) for item in self.items(name)]

    def document(self, name: str) -> "Document":
        return Document(self.object(name))

    def optional_document(self, name: str) -> "Document | None":
        return self.document(name) if self.raw(name) else None

    def text(self, name: str) -> str | None:
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInputError(name, "must be text")
        return value

    def identifier(self, name: str, given: str | None = None) -> str:
        """`given`: what the path says already; then the member may be missing, but not another one."""
        value = identifiers.checked(name, given if given is not None and self.raw(name) is None else self.value(name))
        if given is not None and value != given:
            raise InvalidInputError(name, "is another one than the path names")
        return value

    def whole_number(self, name: str, default: int | None = None) -> int:
        value = default if self.raw(name) is None else self.value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise InvalidInputError(name, "must be a whole number from 0")
        return value

    def timestamp(self, name: str) -> str:
        """As it is given; now, if it is not."""
        value = self.value(name)
        return datetime.now(UTC).isoformat() if value is None else checked_timestamp(name, value)
