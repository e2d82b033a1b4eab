"""Kills the runtime processes when the gateway has ended, even by a kill -9, which gives it no chance to do so.

Runs as a process of its own, `python -I reaper.py`. Standard input is a pipe from the gateway with lines `+<pid>` and
`-<pid>`; the end of the pipe means that the gateway is gone, on every system and whatever the signal.
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
