"""The one statement by which a run begins, and what its answer means."""

import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple, Self

from psycopg.errors import CheckViolation

from session_store._database import Database
from session_store._window import read_rest
from session_store.connection import Statement
from session_store.errors import (
    BudgetExhaustedError,
    IdempotencyKeyReusedError,
    LeaseLostError,
    RunInProgressError,
    SessionBusyError,
    SessionStoreError,
    StoreUnavailableError,
)
from session_store.records import AgentRecord, BegunRun, MessageRecord, RunRequest, SessionRecord
from session_store.sending import Sending
from session_store.settings import OwnerBudget
from session_store.store import Runs
from session_store.time_limit import time_limit

from .agents import PostgreSQLAgents
from .message_words import MessageWords
from .messages import PostgreSQLMessages
from .values import parse_snapshots

_GIVE_UP_SECONDS = 1.0

# Without casts: what they name is what the function takes, and each is parsed again for every begin.
BEGIN: Statement = """
    SELECT *
    FROM {begin_run_v5}(%(owner)s, %(session_id)s, %(agent_id)s, %(run_id)s, %(lease_seconds)s,
                        %(idempotency_key)s, %(request_hash)s, %(sent_at)s, %(valid_seconds)s,
                        %(if_busy)s, %(runs_per_minute)s, %(tokens_per_day)s)
"""


class Decision(NamedTuple):
    """Not to begin; see begin_run_v4."""

    name: str
    holder: str
    seconds_left: float | None
    queue_position: int | None
    runs_left: int | None
    tokens_left: int | None

    @classmethod
    def parse(cls, name: str, holder: str, seconds_left: str | None, *counts: str | None) -> Self:
        numbers = [None if count is None else int(count) for count in counts]
        return cls(name, holder, None if seconds_left is None else float(seconds_left), *numbers)

    @property
    def refusal(self) -> SessionStoreError:
        if self.name == "reused":
            return IdempotencyKeyReusedError()
        if self.name == "in_progress":
            return RunInProgressError(self.holder, self.seconds_left or 0)
        if self.name == "lost":
            return LeaseLostError(self.holder, "its lease ran out before its begin was answered")
        if self.name == "exhausted":
            return BudgetExhaustedError(self.seconds_left or 0, self.runs_left, self.tokens_left)
        return SessionBusyError(self.holder, self.seconds_left or 0, self.queue_position)


class RunBegin:
    def __init__(self, database: Database, words: MessageWords, budget: OwnerBudget) -> None:
        self._database, self._budget = database, asdict(budget)
        self._agents, self._messages = PostgreSQLAgents(database), PostgreSQLMessages(database, words)

    def begin(self, owner: str, request: RunRequest, runs: Runs) -> BegunRun | Decision:
        """Where it fails and may have begun all the same, the run is given up."""
        round_trips = self._database.round_trips
        try:
            rows = self._database.send(partial(self._ask, owner, request))
            answer = rows[0][0]
            if answer[0] == "leased":
                return self._parse_begun(owner, request, rows, runs)
            return Decision.parse(*answer)
        except BaseException:
            if self._database.round_trips > round_trips:
                self._give_up(owner, request.run_id)
            raise

    def abandon(self, owner: str, run_id: str) -> None:
        self._database.send(
            lambda sending: self._database.fetch(
                "SELECT {abandon_run_v2}(%(owner)s, %(run_id)s::uuid, %(sent_at)s::float8)",
                {"owner": owner, "run_id": run_id, "sent_at": sending.sent_at},
            )
        )

    def _ask(self, owner: str, request: RunRequest, sending: Sending) -> list[tuple[Any, ...]]:
        try:
            parameters = {"owner": owner, **request._asdict(), **sending._asdict(), **self._budget}
            return self._database.fetch(BEGIN, parameters, (CheckViolation,)).rows
        except CheckViolation as error:
            database_time = float(error.diag.message_detail or 0)
            raise StoreUnavailableError("the begin came too late", database_time=database_time) from error

    def _parse_begun(self, owner: str, request: RunRequest, rows: list[tuple[Any, ...]], runs: Runs) -> BegunRun:
        """The first row has session and agent, each further one a message; see begin_run_v4."""
        answer, snapshots = rows[0][:2]
        fence, session_type, created_at, updated_at, preview, agent_id, state = answer[6:13]
        agent = AgentRecord(*answer[11:17], *map(int, answer[17:])) if agent_id is not None else None
        messages = [MessageRecord(*row[2:]) for row in rows[1:]]
        begun = BegunRun(
            int(fence),
            SessionRecord(request.session_id, session_type, created_at, updated_at, preview=preview),
            self._read_agent(owner, request) if agent and state is None else agent,
            messages,
            parse_snapshots(snapshots),
        )
        next_id = messages[-1].message_id + 1 if messages else agent.removed_message_count if agent else 0
        if agent is None or next_id >= agent.message_count:
            return begun
        return read_rest(self._messages, runs, owner, request, begun, next_id)

    def _read_agent(self, owner: str, request: RunRequest) -> AgentRecord:
        agent = self._agents.read(owner, request.session_id, request.agent_id)
        if agent is None:
            raise LeaseLostError(request.run_id, "the session was deleted")
        return agent

    def _give_up(self, owner: str, run_id: str) -> None:
        """Where the database does not hear of it, the lease runs out."""
        with suppress(SessionStoreError), time_limit(time.monotonic() + _GIVE_UP_SECONDS):
            self.abandon(owner, run_id)
