"""Lists as the contract pages them: `page` from 1, `page_size`, and how many there are in all."""

from dataclasses import dataclass, field
from typing import Self

from api.request import Query
from session_store.wire import MAXIMUM_BYTES, MAXIMUM_PAGE_SIZE, wire_bytes

_DEFAULT_PAGE_SIZE = 10
_MAXIMUM_PAGE = 10**9


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    size: int

    @classmethod
    def of(cls, query: Query) -> Self:
        return cls(
            query.whole_number("page", 1, 1, _MAXIMUM_PAGE),
            query.whole_number("page_size", _DEFAULT_PAGE_SIZE, 1, MAXIMUM_PAGE_SIZE),
        )

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def members(self, total: int) -> dict[str, int]:
        return {"total": total, "page": self.number, "page_size": self.size}


@dataclass(slots=True)
class Room:
    """What one answer can still hold.

    may_be_empty: else the first item has a place in any case, so that who pages always gets further.
    """

    left_bytes: int = MAXIMUM_BYTES
    may_be_empty: bool = False
    items: list[str] = field(default_factory=list[str])

    def add(self, item: str) -> bool:
        """False: the answer is full."""
        self.left_bytes -= wire_bytes(item)
        if (self.items or self.may_be_empty) and self.left_bytes < 0:
            return False
        self.items.append(item)
        return True
