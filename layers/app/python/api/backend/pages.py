"""Lists as the contract pages them: `page` from 1, `page_size`, and how many there are in all."""

from dataclasses import dataclass
from typing import Self

from api.backend.parameters import PAGE, PAGE_SIZE
from api.call import Call


@dataclass(frozen=True, slots=True)
class PageQuery:
    number: int
    size: int

    @classmethod
    def of(cls, call: Call) -> Self:
        return cls(call[PAGE], call[PAGE_SIZE])

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def members(self, total: int) -> dict[str, str]:
        """Of the answer, as JSON texts."""
        return {"total": str(total), "page": str(self.number), "page_size": str(self.size)}
