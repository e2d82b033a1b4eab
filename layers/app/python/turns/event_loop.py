"""The one event loop of all turns of a process, on a thread of its own.

Clients that models and tools keep belong to the loop that first used them, so it lives as long as the process.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

# A tool without `async` runs in one of these threads. Those that hang must not keep later tools waiting for a thread.
MAXIMUM_THREADS = 1000
ANSWER_SECONDS = 0.5


class _LoopThread:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(ThreadPoolExecutor(MAXIMUM_THREADS, "turns"))
        threading.Thread(target=self.loop.run_forever, name="turns", daemon=True).start()

    def is_blocked(self) -> bool:
        """Some tool of an earlier turn holds the loop: it is `async`, and waits without `await`."""
        answered = threading.Event()
        self.loop.call_soon_threadsafe(answered.set)
        return not answered.wait(ANSWER_SECONDS)


class _Process:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.current: _LoopThread | None = None


_process = _Process()


def process_loop() -> asyncio.AbstractEventLoop:
    """The process's loop.

    A blocked one is left to itself: clients connect again to the new one, and no turn waits for another's tool.
    """
    with _process.lock:
        if _process.current is None or _process.current.is_blocked():
            _process.current = _LoopThread()
        return _process.current.loop


# A forked child has the parent's loop, but not the thread that runs it.
os.register_at_fork(after_in_child=lambda: _process.__init__())
