"""What owners have used. Public."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol


class DayUsage(NamedTuple):
    """day: of UTC, as YYYY-MM-DD. runs: those that have ended on it, however they did."""

    day: str
    runs: int
    input_tokens: int
    output_tokens: int


class Usage(Protocol):
    def read(self, owner: str, days: int) -> Sequence[DayUsage]:
        """Of the last `days` days, newest first; a day without runs is left out."""
        ...

    def expire(self, older_than_days: float, batch_size: int = 500) -> Iterator[int]:
        """Forget days of all owners: how many, batch by batch as it is taken."""
        ...
