"""Ends the runtime processes when the gateway is gone, however it went: kill -9 leaves it no time to do so itself.

A process of its own, `python -I reaper.py`. Its standard input is a pipe from the gateway, lines `+<pid>` and `-<pid>`;
the pipe's end means that the gateway is gone, on every system and whatever the signal.
"""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        (groups.add if change == "+" else groups.discard)(group)
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
