"""A tool that a test holds."""

import threading

from strands import tool

WAIT_SECONDS = 30


class Gate:
    """A tool that blocks its thread, or the event loop, until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

        @tool(name="wait")
        async def wait() -> str:
            """Waits, and blocks the event loop for it."""
            self.reached.set()
            assert self.opened.wait(WAIT_SECONDS)
            return "waited"

        self.tool = wait
