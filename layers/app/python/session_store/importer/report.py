"""What came, what was there already, and what could not come and why."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
_BAR_WIDTH = 40


class Report:
    def __init__(self, *, is_dry_run: bool) -> None:
        self._is_dry_run = is_dry_run
        self._counts: Counter[str] = Counter()
        self.refusals: list[str] = []

    def count(self, what: str, number: int = 1) -> None:
        self._counts[what] += number

    def refuse(self, what: str, reason: object) -> None:
        self.refusals.append(f"{what}: {reason}")

    def lines(self) -> Iterator[str]:
        would = "would have " if self._is_dry_run else ""
        for what, number in sorted(self._counts.items()):
            yield f"{would}{what}: {number:,}"
        for refusal in self.refusals:
            yield f"could not come: {refusal}"


def with_progress(items: Iterable[T], label: str) -> Iterator[T]:
    """A bar on a terminal's standard error; nothing elsewhere."""
    total = len(items) if isinstance(items, Sized) else 0
    for number, item in enumerate(items, 1):
        yield item
        if sys.stderr.isatty() and total:
            done = number * _BAR_WIDTH // total
            end = "\n" if number == total else ""
            sys.stderr.write(f"\r{label} [{'#' * done}{'.' * (_BAR_WIDTH - done)}] {number:,}/{total:,}{end}")
            sys.stderr.flush()
