"""The span of one turn. This one measures nothing; `span_export` has the one that is sent."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from turns.events import Turn


class TurnSpan:
    def begin(self, run: "Callable[[], Turn]") -> "Turn":
        """The turn that `run` begins, with what it does as parts of the span. An error ends the span."""
        return run()

    @contextmanager
    def ending(self) -> "Generator[None]":
        """Ends the span with the block."""
        try:
            yield
        except BaseException as error:
            self.end(error)
            raise
        self.end()

    def end(self, error: BaseException | None = None) -> None:
        """Ends the span and sends it: a frozen process sends nothing. A second call does nothing."""
