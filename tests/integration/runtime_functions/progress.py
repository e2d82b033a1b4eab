"""How a test and the handlers in this folder wait for each other: named pipes and files in one folder."""

import os
import time
from collections.abc import Callable
from pathlib import Path

FUNCTIONS = Path(__file__).parent


class Progress:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for pipe in ("go", "waiting"):
            os.mkfifo(folder / pipe)

    @property
    def environment(self) -> dict[str, str]:
        return {"MARKERS": str(self.folder)}

    @property
    def finished(self) -> bool:
        return (self.folder / "finished").exists()

    def await_handler(self) -> None:
        """Return when the handler waits for `release`."""
        (self.folder / "waiting").read_text()

    def release(self) -> None:
        """Let the handler take its next step; waits until it asks for it."""
        (self.folder / "go").write_text("go")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
