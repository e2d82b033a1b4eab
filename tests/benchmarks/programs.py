"""Parts of the bench that are programs of their own: what they print is their result."""

import os
import signal
import subprocess
import sys
import time
from threading import Timer
from typing import Any

NO_TIME_LEFT = "left out: the time was over"
_CLEANUP_SECONDS = 15


def run(module: str, limit_seconds: float, end: float) -> dict[str, Any]:
    """end: by the monotonic clock. What it printed until it was cut stays its result."""
    seconds = min(limit_seconds, end - time.monotonic())
    if seconds <= 0:
        return {"measure": module, "error": NO_TIME_LEFT}
    print(f"this project: {module}", file=sys.stderr)
    process = subprocess.Popen(
        [sys.executable, "-m", module], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    timers = [
        Timer(seconds, process.send_signal, [signal.SIGINT]),  # it ends what it started
        Timer(seconds + _CLEANUP_SECONDS, os.killpg, [process.pid, signal.SIGKILL]),
    ]
    started = time.monotonic()
    for timer in timers:
        timer.start()
    printed, _ = process.communicate()
    for timer in timers:
        timer.cancel()
    result = {"measure": module, "printed": printed}
    if process.returncode:
        is_cut = time.monotonic() - started >= seconds
        result["error"] = f"cut after {seconds:.0f} s" if is_cut else f"ended with status {process.returncode}"
    return result
