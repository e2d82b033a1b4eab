"""One turn of the agent, from its begin to its commit."""

import logging
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, NamedTuple

from strands import Agent
from strands.types.content import Message

from session_store.errors import (
    AgentIdError,
    ConfigurationError,
    ModelThrottledError,
    RunDeadlineError,
    ServiceStoppingError,
    SessionStoreError,
)
from session_store.records import RunRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import DEFAULT_LEASE_SECONDS, Run
from session_store.run_events import RunEvents
from session_store.store import Store
from turns.agent_description import AgentDescription
from turns.agent_factory import load_model
from turns.agent_task import AgentTask
from turns.agent_turn import AgentTurn, Caller
from turns.answer import RunAnswer, Usage, dump_result, parse_answer, parse_message_id, process_answer
from turns.events import Event, Turn, TurnFailed, TurnFinished, TurnStarted
from turns.frontend import connect_frontend
from turns.frontend_input import Frontend
from turns.prefetch import prefetch_first
from turns.recording import RecordedRun, Recording
from turns.request import Prompt, TurnRequest
from turns.state_changes import StateChanges
from turns.strands_events import StrandsEvents
from turns.strands_result import AgentFinished, answer_message, read_answer

if TYPE_CHECKING:
    from turns.agents import BuildAgent, BuiltAgent

RecordRun = Callable[[dict[str, float], Usage], None]
PAUSE_SECONDS = 4.0
WATCH_SECONDS = 0.5
DEFAULT_AGENT_ID = "default"

logger = logging.getLogger(__name__)


class _Work(NamedTuple):
    answer: RunAnswer
    message: Message | None
    timings: dict[str, float]


def _record_nothing(timings: dict[str, float], usage: Usage) -> None: ...


def _explain(error: Exception) -> TurnFailed:
    return TurnFailed(getattr(error, "code", "internal_error"), str(error))


@dataclass
class TurnEngine:
    """Turns of the agents that `build_agent` makes.

    record_run: called with the timings and the usage of each run that was stored. pause_seconds: None stands among the
    events after so long without one. agent_id: that of the agents, corrected by the first one that is built.
    run_events: where recorded turns are kept; None keeps none. explain: an error, as those who watch may read it.
    """

    store: Store
    build_agent: "BuildAgent"
    record_run: RecordRun = _record_nothing
    pause_seconds: float = PAUSE_SECONDS
    lease_seconds: float = DEFAULT_LEASE_SECONDS
    agent_id: str = DEFAULT_AGENT_ID
    run_events: RunEvents | None = None
    explain: Callable[[Exception], TurnFailed] = _explain
    _is_stopped: Flag = field(default_factory=Flag, init=False, repr=False)

    def stop(self) -> None:
        """End all turns with `ServiceStoppingError`, their leases given back: the process is about to end."""
        self._is_stopped.set()

    def run(self, request: TurnRequest) -> Turn:
        """Begin a turn: its agent is at work when this returns.

        Raises what refuses it: `SessionBusyError`, `AwaitingResponseError`, `AgentIdError`, what the store raises.
        While events are taken, `ModelFailedError`, `RunDeadlineError`, `RunCancelledError`, `LeaseLostError` as well.
        """
        # Once for both tries: the second begins the same run once more.
        request = request._replace(
            session_id=uuid.uuid4().hex if request.session_id is None else request.session_id,
            run_id=request.run_id or str(uuid.uuid4()),
        )
        try:
            return self._begin(request, may_begin_again=True)
        except AgentIdError as error:
            # An agent's id is known once it is built, and what it restores is read before that.
            logger.warning(
                "agent_id=<%s> | set AGENT_ID to it, to spare each new process a second begin", error.built_id
            )
            self.agent_id = error.built_id
            return self._begin(request)

    def describe(self, owner: str, end_user: str | None, claims: Mapping[str, Any]) -> AgentDescription:
        """What the agent is for that caller. Raises what `build_agent` raises."""
        from turns.describe_agent import describe_agent  # no turn needs it

        return describe_agent(self.build_agent, self.store, Caller(owner, end_user, claims), self.agent_id)

    def _begin(self, request: TurnRequest, *, may_begin_again: bool = False) -> Turn:
        run = PostgreSQLSessionRepository(store=self.store, owner=request.owner).run(
            request.session_id,
            self.agent_id,
            idempotency_key=request.idempotency_key,
            request_hash=request.request_hash,
            lease_seconds=self.lease_seconds,
            run_id=request.run_id,
            deadline=request.deadline,
            from_message_id=request.from_message_id,
            if_busy=request.if_busy,
            wait_seconds=request.wait_seconds,
        )
        events = prefetch_first(self._events(run, request, may_begin_again=may_begin_again))
        return Turn(run.session_id, run.run_id, events)

    def _events(self, run: Run, request: TurnRequest, *, may_begin_again: bool) -> Iterator[Event | None]:
        with ExitStack() as after_commit:
            with run:
                if run.stored:
                    yield from _repeat(run.stored)
                    return
                turn = _describe(run, request)
                try:
                    built = self._build(turn)
                except AgentIdError:
                    if may_begin_again:
                        run.withdraw()
                    raise
                prompt, state = _connect(built, run, request)
                run.check_answers(_answered_ids(prompt))
                with self._record(run, request) as recording:
                    agent = after_commit.enter_context(AgentTask(built, turn, prompt, run.trace, state))
                    with _tokens_counted(agent, run):
                        work = yield from recording.follow(
                            self._work(agent, run, request.deadline, recording.keep_up), agent
                        )
                    if not isinstance(built, Agent):
                        run.keep_exchange(request.prompt if isinstance(request.prompt, str) else None, work.message)
                    timings = {**work.timings, "round_trips": run.round_trips + 1}
                    is_message = "structured_output" not in work.answer
                    run.complete(dump_result(work.answer, timings, is_message=is_message))
                    finished = TurnFinished(process_answer(run.session_id, run.run_id, work.answer), timings)
                    recording.add(finished)  # before the commit, which ends the right to write; readers wait for that
            self.record_run(work.timings, work.answer["usage"])
            yield finished

    def _record(self, run: Run, request: TurnRequest) -> Recording:
        recorded = RecordedRun(request.owner, run.run_id)
        return Recording(self.run_events if request.is_recorded else None, recorded, self.explain)

    def _build(self, turn: AgentTurn) -> "BuiltAgent":
        built = self.build_agent(turn)
        if isinstance(built, Agent) and built.agent_id != turn.agent_id:
            raise AgentIdError(built.agent_id, turn.agent_id)
        if not hasattr(built, "stream_async"):
            raise ConfigurationError(
                f"build_agent must return an Agent, a Graph or a Swarm, not {type(built).__name__}"
            )
        return built

    def _work(
        self, agent: AgentTask, run: Run, deadline: float, keep_up: Callable[[], None]
    ) -> Generator[Event | None, None, _Work]:
        started, first_event_seconds = time.monotonic(), None
        yield TurnStarted(run.session_id, run.run_id)
        if agent.state:
            yield agent.state.snapshot
        for event in self._happened(agent, run, deadline, keep_up):
            if isinstance(event, AgentFinished):
                answer, timings = (
                    read_answer(event.result),
                    _timings(run, first_event_seconds, time.monotonic() - started),
                )
                return _Work(answer, answer_message(event.result, answer), timings)
            if event and first_event_seconds is None:
                first_event_seconds = time.monotonic() - started
            yield event
        raise AssertionError("an agent's task ends with its result")

    def _happened(
        self, agent: AgentTask, run: Run, deadline: float, keep_up: Callable[[], None]
    ) -> Iterator[Event | AgentFinished | None]:
        """What the agent does, and None for each pause, until its result, its time, or the end of its run."""
        seconds = deadline - time.monotonic()
        quiet_until = time.monotonic() + self.pause_seconds
        try:
            while not isinstance(event := agent.next(self._patience_seconds(deadline)), AgentFinished):
                # Who takes events slowly may take what was done in time, but keeps no agent at work beyond it.
                is_late = time.monotonic() >= deadline and (event is None or agent.is_at_work)
                if self._is_stopped.is_set():
                    raise ServiceStoppingError(run.run_id)
                if run.is_called_off or is_late:
                    raise _reason(agent, run, round(seconds, 1))
                if event is not None or time.monotonic() >= quiet_until:
                    yield event
                    quiet_until = time.monotonic() + self.pause_seconds
                keep_up()
            if run.is_called_off:
                raise run.end_reason
        except BaseException:
            agent.stop()  # before the run is closed: nothing that it still does may look like the turn's
            raise
        yield event

    def _patience_seconds(self, deadline: float) -> float:
        return min(WATCH_SECONDS, self.pause_seconds, max(0.0, deadline - time.monotonic()))


@contextmanager
def _tokens_counted(agent: AgentTask, run: Run) -> Generator[None]:
    """Also where the turn fails: what it has used is paid for."""
    try:
        yield
    finally:
        run.count_tokens(agent.input_tokens, agent.output_tokens)


def _connect(built: "BuiltAgent", run: Run, request: TurnRequest) -> tuple[Prompt, StateChanges | None]:
    """The prompt as the agent takes it; the changes of its state, where a frontend wants them."""
    prompt = connect_frontend(built, request.frontend or Frontend(), run.interrupts, request.prompt)
    return prompt, StateChanges(built) if request.frontend else None


def _describe(run: Run, request: TurnRequest) -> AgentTurn:
    caller = Caller(request.owner, request.end_user, request.claims)
    return AgentTurn(
        run.session_manager,
        run.agent_id,
        caller,
        run.session_id,
        run.run_id,
        load_model,
        lambda: run.storage,
        run.open_memory,
        request.metadata,
        run.set_title,
    )


def _reason(agent: AgentTask, run: Run, seconds: float) -> SessionStoreError:
    if run.is_called_off:
        return run.end_reason
    if agent.is_throttled:
        return ModelThrottledError("the model's service refused more until the turn's time was over")
    return RunDeadlineError(run.run_id, seconds)


def _answered_ids(prompt: Prompt) -> Sequence[str]:
    blocks = () if isinstance(prompt, str) else prompt
    return [block["interruptResponse"]["interruptId"] for block in blocks if "interruptResponse" in block]


def _repeat(record: RunRecord) -> Iterator[Event]:
    """A completed turn, for the same request sent again."""
    answer = parse_answer(record)
    yield TurnStarted(record.session_id, record.run_id)
    yield from StrandsEvents().whole_text(answer["response"], parse_message_id(record))
    yield TurnFinished(process_answer(record.session_id, record.run_id, answer), {})


def _timings(run: Run, first_event_seconds: float | None, total_seconds: float) -> dict[str, float]:
    """Milliseconds of the run's parts."""
    first = first_event_seconds or total_seconds
    seconds = {"restore_ms": run.begin_seconds, "first_token_ms": first, "total_ms": total_seconds}
    return {name: round(value * 1000, 1) for name, value in seconds.items()}
