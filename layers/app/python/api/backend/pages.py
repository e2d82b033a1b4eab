"""Lists as the contract pages them: `page` from 1, `page_size`, and how many there are in all."""

from dataclasses import dataclass
from typing import Self

from api.request import Query
from session_store.wire import MAXIMUM_PAGE_SIZE

_DEFAULT_PAGE_SIZE = 10
_MAXIMUM_PAGE = 10**9


@dataclass(frozen=True, slots=True)
class PageQuery:
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

    def members(self, total: int) -> dict[str, str]:
        """Of the answer, as JSON texts."""
        return {"total": str(total), "page": str(self.number), "page_size": str(self.size)}
