"""What finding runs again costs: PostgreSQL's CPU for each statement, and the time to a stream's first word.

`make bench-runs`. The CPU is that of the connection's server process, from /proc: Linux only.
"""

import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
from strands import Agent

from local.database import temporary_database
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, RunOutcome, RunRequest, RunWrite
from session_store.run_events import EventBatch
from session_store.settings import StoreSettings
from tests.support.scripted_model import ScriptedModel
from turns.agent_turn import AgentTurn
from turns.engine import TurnEngine
from turns.events import TextDelta
from turns.request import TurnRequest

OWNER, CALLS, TURNS = "owner", 2000, 200
# Half a second of a fast model.
EVENTS = (
    "[" + ",".join(f'["TextDelta","b10d95a67be04de483e4748d9d290cdf"," word {number}"]' for number in range(60)) + "]"
)
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def new_request() -> RunRequest:
    return RunRequest(uuid.uuid4().hex, "default", str(uuid.uuid4()), 60)


def begin_and_end(store: PostgreSQLStore) -> None:
    request = new_request()
    begun = store.runs.begin(OWNER, request)
    assert isinstance(begun, BegunRun)
    store.runs.write(OWNER, RunWrite(request.session_id, request.run_id, 60, outcome=RunOutcome("completed"), number=1))


class ServerProcess:
    """The one of `store`'s connection."""

    def __init__(self, store: PostgreSQLStore, url: str) -> None:
        store.ping()
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'session-store'"
            ).fetchone()
        assert row
        self._stat = Path(f"/proc/{row[0]}/stat")

    def milliseconds(self, work: Callable[[], object], calls: int = CALLS) -> float:
        """Of CPU, for one call."""
        before = self._ticks()
        for _ in range(calls):
            work()
        return (self._ticks() - before) * 1000 / TICKS_A_SECOND / calls

    def _ticks(self) -> int:
        fields = self._stat.read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])


def measure_statements(store: PostgreSQLStore, url: str) -> dict[str, float]:
    server, request = ServerProcess(store, url), new_request()
    store.runs.begin(OWNER, request)
    number = 0

    def flush() -> None:
        nonlocal number
        batch = EventBatch(number + 1, number + 60, EVENTS)
        assert store.run_events.append(OWNER, request.session_id, request.run_id, batch)
        number += 60

    return {
        "any statement: SELECT 1": server.milliseconds(store.ping),
        "a flush of 60 events": server.milliseconds(flush),
        "a watcher's read without news": server.milliseconds(
            lambda: store.run_events.read(OWNER, request.run_id, number)
        ),
        "a watcher's read of one batch": server.milliseconds(
            lambda: store.run_events.read(OWNER, request.run_id, number - 60)
        ),
        "a look for a cancellation": server.milliseconds(lambda: store.runs.is_cancel_requested(OWNER, request.run_id)),
        "begin and commit of a new session": server.milliseconds(lambda: begin_and_end(store)),
    }


def first_word_seconds(engine: TurnEngine, *, is_recorded: bool) -> float:
    started = time.perf_counter()
    turn = engine.run(TurnRequest(OWNER, None, "hello", None, None, time.monotonic() + 60, is_recorded=is_recorded))
    first = next(time.perf_counter() for event in turn.events if isinstance(event, TextDelta))
    list(turn.events)
    return first - started


def build_agent(turn: AgentTurn) -> Agent:
    return Agent(model=ScriptedModel("one two three"), session_manager=turn.session_manager, callback_handler=None)


def measure_first_words(store: PostgreSQLStore) -> dict[str, float]:
    """Alternately, in the median."""
    engine = TurnEngine(store, build_agent, run_events=store.run_events)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * TURNS):
        is_recorded = number % 2 == 0
        seconds[is_recorded].append(first_word_seconds(engine, is_recorded=is_recorded))
    names = {True: "first word, recorded", False: "first word, not recorded"}
    return {names[kind]: statistics.median(times) * 1000 for kind, times in seconds.items()}


def main() -> None:
    with temporary_database() as server:
        with psycopg.connect(server.url) as connection:
            apply_migrations(connection)
        store = PostgreSQLStore(StoreSettings(url=server.url))
        for name, milliseconds in {**measure_statements(store, server.url), **measure_first_words(store)}.items():
            sys.stdout.write(f"{name}: {milliseconds:.3f} ms\n")
        store.close()


if __name__ == "__main__":
    main()
