"""One process of the soak: holds turns as fast as it can, and keeps a log that outlives it."""

import json
import logging
import os
import random
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from strands.types.exceptions import EventLoopException

from session_store.errors import (
    BudgetExhaustedError,
    LeaseLostError,
    RunCancelledError,
    RunInProgressError,
    SessionBusyError,
    SessionNotFoundError,
    SessionStoreError,
    StoreUnavailableError,
)
from session_store.http import HttpStore
from session_store.identifiers import DEFAULT_OWNER
from session_store.postgresql import PostgreSQLStore
from session_store.records import IfBusy
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import OwnerBudget, StoreSettings
from tests.reliability.soak_budgets import LIMITED_OWNER, RUNS_PER_MINUTE
from tests.reliability.soak_streams import SoakStreams
from tests.reliability.soak_turns import MODEL_FAILURE, SoakTurns

LEASE_SECONDS = 1.0
STATEMENT_SECONDS = 5.0
HOT_SESSIONS = [f"hot {number}" for number in range(6)]
SESSIONS = [f"session {number}" for number in range(150)]
DELETED_SESSIONS = [f"deleted {number}" for number in range(10)]
LIMITED_SESSIONS = [f"limited {number}" for number in range(4)]
WAIT_SECONDS = 2.0
EXPECTED = (
    SessionBusyError,
    RunInProgressError,
    RunCancelledError,
    LeaseLostError,
    BudgetExhaustedError,
    StoreUnavailableError,
    SessionNotFoundError,
)


class SoakWorker:
    """Each event is one line, handed to the kernel before the next step: a killed process has told what it did."""

    def __init__(self, url: str, name: str, log: Path) -> None:
        settings = StoreSettings(
            url=url, statement_timeout_seconds=STATEMENT_SECONDS, read_timeout_seconds=STATEMENT_SECONDS
        )
        store = PostgreSQLStore(settings) if settings.is_postgresql else HttpStore(settings)
        self._repository = self._limited = PostgreSQLSessionRepository(store=store)
        # Behind the session backend these are another owner's sessions.
        self._place = "" if settings.is_postgresql else "http "
        self._name = name
        self._random = random.Random(name)
        # What the session backend has no part in: budgets of its callers, and streams.
        self._streams: SoakStreams | None = None
        if isinstance(store, PostgreSQLStore):
            self._streams = SoakStreams(store, DEFAULT_OWNER, self._random)
            limited = PostgreSQLStore(replace(settings, budget=OwnerBudget(runs_per_minute=RUNS_PER_MINUTE)))
            self._limited = PostgreSQLSessionRepository(store=limited, owner=LIMITED_OWNER)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._turns = SoakTurns(
            self._random,
            lambda operation: self._tell("effect", operation),
            lambda operation, task: self._tell("graph", operation, task=task),
        )
        self._turn_count = 0

    def step(self) -> None:
        if self._random.random() < 0.02:
            self._delete(self._place + self._random.choice(DELETED_SESSIONS))
            return
        if self._streams and self._random.random() < 0.1:
            self._watch(self._streams, self._random.choice(HOT_SESSIONS))
        self._turn_count += 1
        operation = f"{self._name}-{self._turn_count}"
        if self._limited is not self._repository and self._random.random() < 0.1:
            self._turn(self._limited, operation, self._random.choice(LIMITED_SESSIONS), None)
            return
        sessions = self._random.choices([HOT_SESSIONS, SESSIONS, DELETED_SESSIONS], [30, 60, 10])[0]
        # Keys come again, from any process and for any session: only the first may run.
        key = f"{self._place}key-{time.monotonic_ns() // 200_000_000}-{self._random.randrange(3)}"
        has_key = sessions is not DELETED_SESSIONS and self._random.random() < 0.2
        session_id = self._place + self._random.choice(sessions)
        self._turn(self._repository, operation, session_id, key if has_key else None)

    def _turn(self, repository: PostgreSQLSessionRepository, operation: str, session_id: str, key: str | None) -> None:
        self._tell("try", operation, session_id=session_id, key=key)
        try:
            self._run(repository, operation, session_id, key)
        except Exception as error:  # noqa: BLE001 - told, and counted as a fault by whoever reads the log
            cause = error.original_exception if isinstance(error, EventLoopException) else error
            self._tell(_kind(cause), operation, error=repr(cause))

    def _run(self, repository: PostgreSQLSessionRepository, operation: str, session_id: str, key: str | None) -> None:
        if_busy: IfBusy = self._random.choices(("reject", "wait", "interrupt"), (80, 17, 3))[0]
        with repository.run(
            session_id,
            idempotency_key=key,
            request_hash=key,
            lease_seconds=LEASE_SECONDS,
            if_busy=if_busy,
            wait_seconds=WAIT_SECONDS,
        ) as run:
            if run.stored:
                self._tell("replayed", operation, run_id=run.run_id, key=key)
                return
            self._tell("begun", operation, run_id=run.run_id, session_id=session_id)
            if self._streams and repository is self._repository and self._random.random() < 0.1:
                self._keep_stream(self._streams, operation, run.run_id)
            answered = self._turns.hold(run, operation)
        if answered:
            key = key if answered == operation else None
            self._tell("acknowledged", answered, run_id=run.run_id, session_id=session_id, key=key)

    def _keep_stream(self, streams: SoakStreams, operation: str, run_id: str) -> None:
        streams.keep(run_id, lambda number: self._tell("streamed", operation, run_id=run_id, number=number))

    def _watch(self, streams: SoakStreams, session_id: str) -> None:
        fault = streams.watch(session_id)
        self._tell("unexpected" if fault else "watched", session_id, error=fault)

    def _delete(self, session_id: str) -> None:
        self._tell("deleting", session_id, session_id=session_id)
        try:
            self._repository.delete_session(session_id)
        except (SessionNotFoundError, StoreUnavailableError):
            return
        except SessionStoreError as error:
            self._tell("unexpected", session_id, error=repr(error))
            return
        self._tell("deleted", session_id, session_id=session_id)

    def _tell(self, event: str, operation: str, **more: Any) -> None:
        line = {"event": event, "operation": operation, "at": time.monotonic_ns(), **more}
        os.write(self._log, json.dumps(line).encode() + b"\n")


def _kind(error: BaseException) -> str:
    if isinstance(error, EXPECTED):
        return "refused"
    return "failed" if MODEL_FAILURE in str(error) else "unexpected"


def soak_worker(url: str, name: str, log: Path, pipe: Connection) -> None:
    """Works until the other end of the pipe says otherwise."""
    logging.disable(logging.CRITICAL)  # a failing model is told by the thousand
    worker = SoakWorker(url, name, log)
    while not pipe.poll():
        worker.step()
