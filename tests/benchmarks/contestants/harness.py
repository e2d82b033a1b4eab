"""Measures one contestant, in an environment of its own. Standard library only: every contestant imports it.

Reads a job from standard input and writes one JSON line a measurement.
"""

import asyncio
import gc
import json
import socket
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

WARM_UP_TURNS = 3


class Contestant(Protocol):
    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        """A session with so many messages, user and assistant in turn, of an agent with or without a window."""

    def turn(self, session_id: str, tools: int) -> None:
        """What one request does: restore the session, answer one prompt with so many tool calls, and store it all."""

    def restore(self, session_id: str, *, window: bool) -> int:
        """Restore the session, its last 40 messages or the whole; how many messages."""


def text(number: int) -> str:
    """600 bytes, as an ordinary message has."""
    return f"message {number} ".ljust(600, "x")


def main(make: Callable[[str], Contestant]) -> None:
    job = json.load(sys.stdin)
    for kind, run in (("turn", measure_turns), ("restore", measure_restores)):
        if kind in job:
            run(make, job, job[kind])


def measure_turns(make: Callable[[str], Contestant], job: dict[str, Any], wanted: dict[str, Any]) -> None:
    for history in wanted["histories"]:
        session_id = f"turn-{history}"
        with _reported({"measure": "turn", "history": history}):
            make(job["urls"]["loopback"]).seed(session_id, history, window=True)
            for where, url in job["urls"].items():
                measure_turns_over(make(url), session_id, where, wanted["turns"], job["controls"].get(where))


def measure_turns_over(contestant: Contestant, session_id: str, where: str, turns: int, control: int | None) -> None:
    for tools in (0, 2):
        turn = partial(contestant.turn, session_id, tools)
        for _ in range(WARM_UP_TURNS):
            turn()
        seconds, counts = _timed(turn, turns, control)
        history = int(session_id.rpartition("-")[2])
        report(measure="turn", history=history, tools=tools, where=where, seconds=seconds, counts=counts)


def measure_restores(make: Callable[[str], Contestant], job: dict[str, Any], wanted: dict[str, Any]) -> None:
    contestant = make(job["urls"]["loopback"])
    for history in wanted["histories"]:
        for window in (False, True):
            with _reported({"measure": "restore", "history": history, "window": window}):
                measure_restore(contestant, history, window, wanted["times"])


def measure_restore(contestant: Contestant, history: int, window: bool, times: int) -> None:
    session_id = f"restore-{history}-{'window' if window else 'whole'}"
    contestant.seed(session_id, history, window=window)
    if window:  # only a turn tells the store what the window no longer holds
        contestant.turn(session_id, 0)
    after = getattr(contestant, "after_restore", None)  # what belongs to a turn and not to its restore
    messages = contestant.restore(session_id, window=window)
    assert window or messages == history
    if after:
        after()
    seconds, _ = _timed(partial(contestant.restore, session_id, window=window), times, None, after)
    report(measure="restore", history=history, window=window, messages=messages, seconds=seconds)


def report(**measurement: Any) -> None:
    print(json.dumps(measurement), flush=True)


def _timed(
    action: Callable[[], object], times: int, control: int | None, after: Callable[[], None] | None = None
) -> tuple[list[float], dict[str, float] | None]:
    gc.collect()
    gc.freeze()
    if control:
        _counts(control)
    seconds: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
        if after:
            after()
    counts = {name: count / times for name, count in _counts(control).items()} if control else None
    return seconds, counts


def _counts(control: int) -> dict[str, int]:
    with socket.create_connection(("127.0.0.1", control)) as connection, connection.makefile() as answer:
        return json.load(answer)


class _reported:  # noqa: N801 - reads as a word
    """A contestant that fails is a result too."""

    def __init__(self, measurement: dict[str, Any]) -> None:
        self._measurement = measurement

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Exception):
            traceback.print_exc()
            report(**self._measurement, error=f"{type(error).__name__}: {error}"[:200])
        return isinstance(error, Exception)


class Loop:
    """One event loop for contestants that are asynchronous: as a server has."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)
