"""This project's two forms of a session in one process, a turn of each after the other: what is beside them slows both.

Reads their URLs, histories and number of turns from standard input; writes, by history, the milliseconds of each turn.
"""

import json
import sys
import time

from harness import WARM_UP_TURNS
from ours import Ours
from ours_snapshots import OursSnapshots


def main() -> None:
    job = json.load(sys.stdin)
    forms = [Ours(job["rows"]), OursSnapshots(job["snapshots"])]
    json.dump({history: _measure(forms, history, job["turns"]) for history in job["histories"]}, sys.stdout)


def _measure(forms: list[Ours | OursSnapshots], history: int, turns: int) -> list[list[float]]:
    for form in forms:
        form.seed(f"turns-{history}", history, window=True)
    taken = [[_hold(form, f"turns-{history}") for form in forms] for _ in range(turns + WARM_UP_TURNS)]
    return taken[WARM_UP_TURNS:]


def _hold(form: Ours | OursSnapshots, session_id: str) -> float:
    started = time.perf_counter()
    form.turn(session_id, 0)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
