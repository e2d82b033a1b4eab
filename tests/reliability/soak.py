"""`make soak`: thousands of runs under kills and restarts, and then the whole history is checked.

Several processes hold turns on shared sessions, with tools, with failing models, with idempotency keys that come again,
and delete sessions. Meanwhile one of them is killed every moment (-9), and PostgreSQL is restarted, fast and
immediate, as is pgbouncer where it is installed (half of the processes go through it).

`make chaos` puts a network between them that delays, cuts, loses answers and delivers late, lets some of the processes
go through the session backend, and stops processes for a while (SIGSTOP).
"""

import argparse
import contextlib
import logging
import random
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import psycopg

from local.database import EmbeddedDatabase, temporary_database
from local.gateway import Gateway
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.chaos import Chaos
from tests.reliability.chaos_proxy import ChaosProxy
from tests.reliability.pooler import PROGRAM, Pooler, running_pooler
from tests.reliability.processes import Worker
from tests.reliability.soak_check import check, count_kinds, read_events
from tests.reliability.soak_states import find_undone
from tests.reliability.soak_turns import SoakTurns
from tests.reliability.soak_worker import soak_worker
from tests.reliability.turns import agent_of, run_when_free
from tests.support.scripted_model import ScriptedModel

PROCESSES = 4
SECONDS_BETWEEN_KILLS = (0.2, 1.0)
SECONDS_BETWEEN_RESTARTS = (6.0, 10.0)
SECONDS_STOPPED = (0.5, 2.5)
CHAOS = Chaos(
    delay=0.05, cut=0.004, lose_answer=0.004, cut_answer=0.004, deliver_late=0.004, silence=0.0005, partition=0.0005
)


class Soak:
    """ways: URLs by which processes reach the database, one after another. seed: of what happens to them."""

    def __init__(
        self, database: EmbeddedDatabase, pooler: Pooler | None, ways: Sequence[str], folder: Path, seed: int
    ) -> None:
        self.kills = self.restarts = self.pooler_kills = self.stops = 0
        self._database, self._pooler, self._ways, self._folder = database, pooler, ways, folder
        self._seed, self._random = seed, random.Random(seed)
        self._workers: list[Worker] = []
        self._started = 0
        self._counted: dict[Path, tuple[int, int]] = {}

    @property
    def logs(self) -> Sequence[Path]:
        return sorted(self._folder.glob("*.log"))

    def run(self, runs: int, limit_seconds: float, *, stops: bool) -> None:
        self._workers = [self._start() for _ in range(PROCESSES)]
        now = time.monotonic()
        end, kill_at, restart_at = now + limit_seconds, now + 1, now + SECONDS_BETWEEN_RESTARTS[0]
        try:
            while self._begun() < runs and time.monotonic() < end:
                time.sleep(0.1)
                if time.monotonic() > kill_at:
                    self._stop_one() if stops and self._random.random() < 0.3 else self._kill_one()
                    kill_at = time.monotonic() + self._random.uniform(*SECONDS_BETWEEN_KILLS)
                if time.monotonic() > restart_at:
                    self._restart()
                    restart_at = time.monotonic() + self._random.uniform(*SECONDS_BETWEEN_RESTARTS)
            for worker in self._workers:
                worker.go_on()
                worker.join()
        finally:
            for worker in self._workers:
                with contextlib.suppress(ValueError, OSError):
                    worker.kill()

    def _start(self) -> Worker:
        self._started += 1
        url = self._ways[self._started % len(self._ways)]
        return Worker(soak_worker, url, f"w{self._seed}-{self._started}", self._folder / f"w{self._started}.log")

    def _stop_one(self) -> None:
        """As a machine does that is suspended: longer than a lease, and then it goes on as if nothing had been."""
        victim = self._random.choice(self._workers)
        victim.send_signal(signal.SIGSTOP)
        time.sleep(self._random.uniform(*SECONDS_STOPPED))
        victim.send_signal(signal.SIGCONT)
        self.stops += 1

    def _kill_one(self) -> None:
        victim = self._random.randrange(PROCESSES)
        self._workers[victim].kill()
        self._workers[victim] = self._start()
        self.kills += 1

    def _restart(self) -> None:
        if self._pooler and self._random.random() < 1 / 3:
            self._pooler.kill()
            self._pooler.start()
            self.pooler_kills += 1
            return
        self._database.stop(self._random.choice([signal.SIGINT, signal.SIGQUIT]))
        self._database.start()
        self.restarts += 1

    def _begun(self) -> int:
        """Runs that got their lease so far; each log is read once, on from where it was read last."""
        for log in self.logs:
            offset, count = self._counted.get(log, (0, 0))
            with log.open("rb") as file:
                file.seek(offset)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._counted[log] = offset + len(whole), count + whole.count(b'"event": "begun"')
        return sum(count for _, count in self._counted.values())


def go_on_with_every_session(url: str, owner: str) -> None:
    """Whatever was interrupted, the next turn must work."""
    store = PostgreSQLStore(StoreSettings(url=url))
    repository = PostgreSQLSessionRepository(store=store, owner=owner)
    turns = SoakTurns(random.Random(0), lambda operation: None)
    with psycopg.connect(url, autocommit=True) as connection:
        sessions = connection.execute(
            """
            SELECT session_id, ARRAY(SELECT agent_id FROM agents a WHERE a.session_key = s.session_key),
                   EXISTS (SELECT FROM multi_agents m WHERE m.session_key = s.session_key)
            FROM sessions s
            WHERE s.owner = %s
            """,
            (owner,),
        ).fetchall()
    for session_id, agent_ids, has_graph in sessions:
        with run_when_free(repository, session_id) as run:
            if run.interrupts:
                turns.answer(run)
        with run_when_free(repository, session_id) as run:
            for agent_id in agent_ids:
                agent_of(run.session_manager, ScriptedModel("fine"), agent_id=agent_id)("the last prompt")
            if has_graph:
                turns.hold_graph(run, "last")
    with psycopg.connect(url, autocommit=True) as connection:
        # The last turns are not the soak's: they only had to work.
        connection.execute(
            """
            WITH last AS (
                UPDATE agents SET message_count = message_count - 2
                WHERE session_key IN (SELECT session_key FROM sessions WHERE owner = %s)
                RETURNING session_key, agent_id, message_count
            )
            DELETE FROM messages USING last
            WHERE messages.session_key = last.session_key AND messages.agent_id = last.agent_id
              AND messages.message_id >= last.message_count
            """,
            (owner,),
        )
    store.close()


@contextlib.contextmanager
def stack() -> Generator[tuple[EmbeddedDatabase, Pooler | None]]:
    # Processes are killed here, never the machine: fsync would only cost time.
    with temporary_database({"fsync": "off", "max_connections": "100"}) as database, contextlib.ExitStack() as more:
        with psycopg.connect(database.url) as connection:
            apply_migrations(connection)
        yield database, more.enter_context(running_pooler(database.url)) if PROGRAM else None


@contextlib.contextmanager
def ways_through(
    database: EmbeddedDatabase, pooler: Pooler | None, seed: int, *, chaos: bool
) -> Generator[tuple[list[str], list[ChaosProxy]]]:
    """URLs: direct, through pgbouncer, and with chaos also through the session backend; and what is between."""
    direct = [database.url, *([pooler.url_of(database.url)] if pooler else [])]
    if not chaos:
        yield direct, []
        return
    with contextlib.ExitStack() as opened:
        backend = opened.enter_context(Gateway({"SESSION_BACKEND_URL": database.url}, port=0, backend_port=0))
        urls = [*direct, backend.backend_url]
        proxies = [opened.enter_context(ChaosProxy(url, CHAOS, seed + number)) for number, url in enumerate(urls)]
        yield [proxy.url_of(url) for proxy, url in zip(proxies, urls, strict=True)], proxies


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--limit-seconds", type=float, default=1_500)
    parser.add_argument("--chaos", action="store_true", help="a network that fails, the session backend, SIGSTOP")
    parser.add_argument("--seconds", type=float, help="hold turns for so long, however many they are")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    runs = sys.maxsize if arguments.seconds else arguments.runs
    print(f"seed={arguments.seed}", flush=True)
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    with stack() as (database, pooler), tempfile.TemporaryDirectory() as folder:
        with ways_through(database, pooler, arguments.seed, chaos=arguments.chaos) as (ways, proxies):
            soak = Soak(database, pooler, ways, Path(folder), arguments.seed)
            soak.run(runs, arguments.seconds or arguments.limit_seconds, stops=arguments.chaos)
            for proxy in proxies:
                proxy.deliver()
        events = read_events(soak.logs)
        with psycopg.connect(database.url) as connection:
            undone = find_undone(events, connection)
            owners = [row[0] for row in connection.execute("SELECT DISTINCT owner FROM sessions")]
        for owner in owners:
            go_on_with_every_session(database.url, owner)
        with psycopg.connect(database.url) as connection:
            findings = check(events, connection)
            findings.undone += undone
    kinds = count_kinds(events)
    counts = findings.counts
    print(
        f"runs={kinds['begun']} acknowledged={kinds['acknowledged']} replayed={kinds['replayed']}"
        f" watched={kinds['watched']} streamed={kinds['streamed']}"
        f" refused={kinds['refused']} model_failures={kinds['failed']} deletions={kinds['deleted']}"
        f" stops={soak.stops} kills={soak.kills} restarts={soak.restarts} pooler_kills={soak.pooler_kills}"
        f" seconds={time.monotonic() - started:.0f}"
    )
    for proxy in proxies:
        print(f"network: {' '.join(f'{fault}={count}' for fault, count in proxy.counts.items())}")
    print(" ".join(f"{name}={count}" for name, count in counts.items()))
    for name in counts:
        for found in getattr(findings, name)[:5]:
            print(f"  {name}: {found}", file=sys.stderr)
    if any(counts.values()) or (not arguments.seconds and kinds["begun"] < runs):
        sys.exit(f"the soak failed, or was over before {runs} runs (seed {arguments.seed})")


if __name__ == "__main__":
    main()
