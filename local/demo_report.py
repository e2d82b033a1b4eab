"""Prints the demo's steps and checks; in colour only on a terminal."""

import os
import sys
from typing import TextIO

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"


class DemoReport:
    """Counts the checks that passed and keeps the claims that failed."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self.passed = 0
        self.failed: list[str] = []
        self._out = out
        self._in_colour = out.isatty() and "NO_COLOR" not in os.environ

    def heading(self, text: str) -> None:
        self._line(f"\n{self._paint(text, _BOLD)}")

    def note(self, text: str) -> None:
        self._line(f"  {self._paint(text, _DIM)}")

    def message(self, speaker: str, text: str) -> None:
        self._line(f"  {self._paint(f'{speaker:>8}', _CYAN)}  {' '.join(text.split())}")

    def fact(self, name: str, value: object) -> None:
        self._line(f"  {self._paint(name, _DIM)}  {value}")

    def check(self, holds: bool, claim: str) -> None:
        if holds:
            self.passed += 1
            self._line(f"  {self._paint('✓', _GREEN)} {claim}")
        else:
            self.failed.append(claim)
            self._line(f"  {self._paint('✗ failed:', _RED)} {claim}")

    def skip(self, claim: str) -> None:
        self._line(f"  {self._paint('– not shown here:', _YELLOW)} {claim}")

    def _line(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def _paint(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._in_colour else text
