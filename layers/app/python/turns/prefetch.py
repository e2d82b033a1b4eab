"""The one place that asks an iterator early."""

import itertools
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")


def prefetch_first(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, the first of them made already: what making it raises is raised here."""
    return itertools.chain(list(itertools.islice(items, 1)), items)
