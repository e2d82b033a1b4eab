"""What the soak keeps of its runs' streams, and who watches them: no event is missing, none is there twice."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import psycopg

from session_store.errors import SessionNotFoundError, StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.run_events import EventBatch

BATCHES = 3
EVENTS_A_BATCH = 5


class SoakStreams:
    def __init__(self, store: PostgreSQLStore, owner: str, choose: random.Random) -> None:
        self._store, self._owner, self._random = store, owner, choose

    def keep(self, run_id: str, note: Callable[[int], None]) -> None:
        """Store some batches of a run that has begun; `note` is given the number of the last event of each."""
        for number in range(BATCHES):
            first = number * EVENTS_A_BATCH + 1
            batch = EventBatch(first, first + EVENTS_A_BATCH - 1, str(list(range(first, first + EVENTS_A_BATCH))))
            if self._store.run_events.append(self._owner, run_id, batch):
                note(batch.last_number)

    def watch(self, session_id: str) -> str | None:
        """Read the stream of the session's newest run, hang up, and read on: what is wrong with it."""
        try:
            runs = self._store.runs.of_session(self._owner, session_id, limit=1).runs
            if not runs:
                return None
            whole = self._read(runs[0].run_id, 0)
            after = self._random.randint(0, len(whole))
            rest = self._read(runs[0].run_id, after)
        except (SessionNotFoundError, StoreUnavailableError):  # also RunNotFoundError: the session was deleted
            return None
        is_gone = not rest and bool(whole[after:])
        if whole != list(range(1, len(whole) + 1)) or (not is_gone and rest[: len(whole) - after] != whole[after:]):
            return f"run {runs[0].run_id}: {whole}, then behind {after}: {rest}"
        return None

    def _read(self, run_id: str, after: int) -> list[int]:
        batches = self._store.run_events.read(self._owner, run_id, after).batches
        return [
            number for batch in batches for number in range(batch.first_number, batch.last_number + 1) if number > after
        ]


def find_gaps(events: Sequence[dict[str, Any]], connection: "psycopg.Connection[Any]") -> list[str]:
    """Stored batches that do not follow each other, and acknowledged ones that are not there."""
    stored: dict[str, list[tuple[int, int]]] = {
        run_id: [] for (run_id,) in connection.execute("SELECT run_id::text FROM runs").fetchall()
    }
    for run_id, first, last in connection.execute(
        "SELECT run_id::text, first_number, last_number FROM run_events ORDER BY run_id, last_number"
    ):
        stored[run_id].append((first, last))
    found = [
        f"run {run_id}: {batches}"
        for run_id, batches in stored.items()
        if batches and (batches[0][0] != 1 or any(later[0] != earlier[1] + 1 for earlier, later in pairwise(batches)))
    ]
    for event in events:
        if event["event"] == "streamed" and event["run_id"] in stored:
            last = max((last for _, last in stored[event["run_id"]]), default=0)
            if last < event["number"]:
                found.append(f"run {event['run_id']}: event {event['number']} was stored, the last one is {last}")
    return found
