"""Writes what a run has gathered, and closes what it leaves open."""

import json
import logging
from contextlib import AbstractContextManager, suppress

from strands.types.session import SessionMessage

from .conversion import agent_of, agent_record, message_of, message_record
from .errors import DamagedRecordError, LeaseLostError, SessionStoreError
from .journal import Journal
from .records import AgentRecord, RunOutcome
from .repair import repair_agent
from .run_errors import error_code, failure_status
from .store import Runs
from .telemetry import traced
from .time_limit import time_limit
from .trace import Trace

END_SECONDS = 2.0

logger = logging.getLogger(__name__)


class RunWriter:
    """Numbers the writes of one run. writes: how many were answered, each of them one round trip."""

    def __init__(self, runs: Runs, owner: str, journal: Journal, deadline: float, trace: Trace) -> None:
        self.writes = 0
        self._runs, self._owner, self._journal, self._deadline = runs, owner, journal, deadline
        self._trace = trace
        self._number = self._input_tokens = self._output_tokens = 0

    def count_tokens(self, input_tokens: int, output_tokens: int) -> None:
        self._input_tokens += input_tokens
        self._output_tokens += output_tokens

    def write(self, outcome: RunOutcome | None) -> bool:
        """Whether somebody has asked for the run's end."""
        self._number += 1
        operation = "commit" if outcome else "flush"
        with self._trace.timed(operation):
            if outcome:
                outcome = outcome._replace(
                    input_tokens=self._input_tokens, output_tokens=self._output_tokens, trace=self._trace.dump()
                )
            write = self._journal.take(outcome, self._number)
            with self.time_limit(), traced(operation, write.session_id, write.run_id):
                is_cancel_requested = self._runs.write(self._owner, write)
        self.writes += 1
        self._journal.settle()
        return is_cancel_requested

    def complete(self, result: str | None, agent_id: str) -> None:
        """The agent's last message of the run is its answer, if the assistant has it."""
        last = self._journal.last_of_run(agent_id)
        is_answer = last is not None and json.loads(last.message).get("role") == "assistant"
        self.write(RunOutcome("completed", result, last.message_id if last and is_answer else None))

    def abort(self, error: BaseException) -> None:
        """The error goes on its way in any case: a turn that cannot be closed here is closed by the next run."""
        self._journal = self._journal.successor()
        try:
            for agent in list(self._journal.stored_agents.values()):
                try:
                    self._close_turn(agent)
                except DamagedRecordError:  # its turn stays open, for the run after its repair
                    self._journal.leave(agent.agent_id)
            self.write(RunOutcome(failure_status(error), error_code=error_code(error)))
        except LeaseLostError as failure:
            logger.warning("run_id=<%s>, error=<%s> | run not closed", self._journal.run_id, failure)
        except Exception as failure:  # noqa: BLE001 - a message that nobody can read, or whatever else
            logger.warning(
                "run_id=<%s>, error=<%r> | run not closed, giving its lease back", self._journal.run_id, failure
            )
            self.give_back()

    def time_limit(self) -> AbstractContextManager[None]:
        """The end of a run has to be written after its deadline."""
        return time_limit(self._deadline + END_SECONDS)

    def give_back(self) -> None:
        """End the run without an outcome. Where the database cannot be reached, the lease runs out by itself."""
        with suppress(SessionStoreError), self.time_limit():
            self._runs.abandon(self._owner, self._journal.run_id)

    def _close_turn(self, record: AgentRecord) -> None:
        """Only after a flush is anything of this run stored that a next prompt could not follow."""
        agent, tail = agent_of(record), self._journal.stored_tails.get(record.agent_id)
        last = tail and message_of(tail).to_message()
        closing = repair_agent(agent, lambda: last)
        for message in closing or ():
            self._journal.append(record.agent_id, message_record(SessionMessage.from_message(message, 0)), str)
        if closing is not None:
            self._journal.update_agent(agent_record(agent))
