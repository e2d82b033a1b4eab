"""What finding runs again costs: PostgreSQL's CPU for each statement, and the time to a stream's first word.

`make bench-runs`. The CPU is that of the connection's server process, from /proc: Linux only. Each statement is
measured twice: in turns, where the others' processes have had the core and its caches in between, and in a row.
"""

import statistics
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial

import psycopg
from strands import Agent

from local.database import temporary_database
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, RunOutcome, RunRequest, RunWrite
from session_store.run_events import EventBatch
from session_store.settings import StoreSettings
from tests.benchmarks.begins import CPU, ServerProcess, find_server_process, measure_alternately, measure_begins
from tests.support.scripted_model import ScriptedModel
from turns.agent_turn import AgentTurn
from turns.engine import TurnEngine
from turns.events import TextDelta
from turns.projections.stored import dump_batch, dump_event
from turns.request import TurnRequest

OWNER, TURNS = "owner", 200
# Half a second of a fast model.
EVENTS = dump_batch(
    dump_event(TextDelta("b10d95a67be04de483e4748d9d290cdf", f" word {number}")) for number in range(60)
)


def new_request(lease_seconds: float = 60) -> RunRequest:
    return RunRequest(uuid.uuid4().hex, "default", str(uuid.uuid4()), lease_seconds)


def begin_and_end(store: PostgreSQLStore) -> None:
    request = new_request()
    begun = store.runs.begin(OWNER, request)
    assert isinstance(begun, BegunRun)
    store.runs.write(OWNER, RunWrite(request.session_id, request.run_id, 60, outcome=RunOutcome("completed"), number=1))


class Stream:
    """A run's stored events, which grow by each flush."""

    def __init__(self, store: PostgreSQLStore) -> None:
        self._request, self._number = new_request(lease_seconds=3_600), 0
        store.runs.begin(OWNER, self._request)

    def flush(self, store: PostgreSQLStore) -> None:
        batch = EventBatch(self._number + 1, self._number + 60, EVENTS)
        assert store.run_events.append(OWNER, self._request.run_id, batch)
        self._number += 60

    def read(self, store: PostgreSQLStore, *, batches: int) -> None:
        read = store.run_events.read(OWNER, self._request.run_id, self._number - 60 * batches)
        assert len(read.batches) == batches

    def look(self, store: PostgreSQLStore) -> None:
        store.runs.is_cancel_requested(OWNER, self._request.run_id)


def measure_statements(store: PostgreSQLStore, url: str) -> dict[str, CPU]:
    stream = Stream(store)
    works: dict[str, Callable[[PostgreSQLStore], object]] = {
        "any statement: SELECT 1": PostgreSQLStore.ping,
        "a flush of 60 events": stream.flush,
        "a watcher's read without news": lambda store: stream.read(store, batches=0),
        "a watcher's read of one batch": lambda store: stream.read(store, batches=1),
        "a look for a cancellation": stream.look,
        "begin and commit of a new session": begin_and_end,
    }
    stores = {
        name: PostgreSQLStore(StoreSettings(url=f"{url}?application_name=bench-{n}")) for n, name in enumerate(works)
    }
    measured = measure_alternately(
        {
            name: (find_process(stores[name], url, f"bench-{n}"), partial(works[name], stores[name]))
            for n, name in enumerate(works)
        }
    )
    for opened in stores.values():
        opened.close()
    return measured


def find_process(store: PostgreSQLStore, url: str, application_name: str) -> ServerProcess:
    """Of `store`'s connection."""
    store.ping()
    return find_server_process(url, application_name)


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
        for name, cpu in (measure_begins(server.url) | measure_statements(store, server.url)).items():
            sys.stdout.write(f"{name}: {cpu.in_turns:.3f} ms in turns, {cpu.in_a_row:.3f} ms in a row\n")
        for name, milliseconds in measure_first_words(store).items():
            sys.stdout.write(f"{name}: {milliseconds:.3f} ms\n")
        store.close()


if __name__ == "__main__":
    main()
