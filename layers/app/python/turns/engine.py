"""One turn of the agent, from its begin to its commit."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from strands import Agent
from strands.agent.agent_result import AgentResult
from strands.session.session_manager import SessionManager

from session_store.errors import ModelFailedError, RunDeadlineError
from session_store.records import RunRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import DEFAULT_LEASE_SECONDS, Run
from session_store.store import Store
from turns.agent_task import AgentTask, StrandsEvent
from turns.answer import RunAnswer, Usage, dump_result, parse_answer, process_answer
from turns.events import Event, Turn, TurnFinished, TurnStarted
from turns.prefetch import prefetch_first
from turns.request import Prompt, TurnRequest
from turns.strands_events import StrandsEvents, read_answer

BuildAgent = Callable[[SessionManager], Agent]
RecordRun = Callable[[dict[str, float], Usage], None]
PAUSE_SECONDS = 1.0


class _Work(NamedTuple):
    answer: RunAnswer
    timings: dict[str, float]


def _record_nothing(timings: dict[str, float], usage: Usage) -> None: ...


@dataclass(frozen=True)
class TurnEngine:
    """Turns of the agents that `build_agent` makes.

    record_run: called with the timings and the usage of each run that was stored. pause_seconds: None stands among the
    events after so long without one.
    """

    store: Store
    build_agent: BuildAgent
    record_run: RecordRun = _record_nothing
    pause_seconds: float = PAUSE_SECONDS
    lease_seconds: float = DEFAULT_LEASE_SECONDS

    def run(self, request: TurnRequest) -> Turn:
        """Begin a turn; returns with the agent's first event, so that what fails before it is raised here.

        Raises, here and while events are taken, what the store raises, `AwaitingResponseError` before the model is
        called, `ModelFailedError`, `RunDeadlineError`, `RunCancelledError`, `LeaseLostError`.
        """
        run = PostgreSQLSessionRepository(store=self.store, owner=request.owner).run(
            request.session_id,
            idempotency_key=request.idempotency_key,
            request_hash=request.request_hash,
            lease_seconds=self.lease_seconds,
            run_id=request.run_id,
        )
        events = prefetch_first(self._events(run, request))
        return Turn(run.session_id, run.run_id, events)

    def _events(self, run: Run, request: TurnRequest) -> Iterator[Event | None]:
        with ExitStack() as after_commit:
            with run:
                if run.stored:
                    yield from _repeat(run.stored)
                    return
                run.check_answers(_answered_ids(request.prompt))
                agent = AgentTask(self.build_agent(run.session_manager), request.prompt)
                after_commit.callback(agent.close)
                work = yield from self._work(agent, run, request.deadline)
                run.complete(dump_result(work.answer))
            self.record_run(work.timings, work.answer["usage"])
            answer = process_answer(run.session_id, run.run_id, work.answer)
            yield TurnFinished(answer, {**work.timings, "round_trips": run.round_trips})

    def _work(self, agent: AgentTask, run: Run, deadline: float) -> Generator[Event | None, None, _Work]:
        started, first_token_seconds, translation = time.monotonic(), None, StrandsEvents()
        happened = prefetch_first(self._happened(agent, run, deadline))
        yield TurnStarted(run.session_id, run.run_id)
        for event in happened:
            if isinstance(event, AgentResult):
                return _Work(read_answer(event), _timings(run, first_token_seconds, time.monotonic() - started))
            if event and first_token_seconds is None:
                first_token_seconds = time.monotonic() - started
            yield from translation.translate(event or {})
            yield None  # a reasoning model may do much that is no event here
        raise ModelFailedError("the agent ended without an answer")

    def _happened(self, agent: AgentTask, run: Run, deadline: float) -> Iterator[StrandsEvent | AgentResult | None]:
        """What the agent does, and None for each pause, until its result, its time, or the end of its run."""
        seconds = deadline - time.monotonic()
        try:
            while not isinstance(event := agent.next(self._patience_seconds(deadline)), AgentResult):
                if run.is_called_off:
                    raise run.end_reason
                # Who takes events slowly may take what was done in time, but keeps no agent at work beyond it.
                if time.monotonic() >= deadline and (event is None or agent.is_at_work):
                    raise RunDeadlineError(run.run_id, round(seconds, 1))
                yield event
            if event.stop_reason == "cancelled":
                raise run.end_reason
        except BaseException:
            agent.stop()  # before the run is closed: nothing that it still does may look like the turn's
            raise
        yield event

    def _patience_seconds(self, deadline: float) -> float:
        return min(self.pause_seconds, max(0.0, deadline - time.monotonic()))


def _answered_ids(prompt: Prompt) -> list[str]:
    """The interrupts that a prompt answers."""
    return [] if isinstance(prompt, str) else [block["interruptResponse"]["interruptId"] for block in prompt]


def _repeat(record: RunRecord) -> Iterator[Event]:
    """A completed turn, for the same request sent again."""
    answer = parse_answer(record)
    yield TurnStarted(record.session_id, record.run_id)
    yield from StrandsEvents().whole_text(answer["response"])
    yield TurnFinished(process_answer(record.session_id, record.run_id, answer), {})


def _timings(run: Run, first_token_seconds: float | None, total_seconds: float) -> dict[str, float]:
    """Milliseconds of the run's parts."""
    first = first_token_seconds or total_seconds
    seconds = {"restore_ms": run.begin_seconds, "first_token_ms": first, "total_ms": total_seconds}
    return {name: round(value * 1000, 1) for name, value in seconds.items()}
