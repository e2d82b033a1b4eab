"""How a run can fail by itself."""

from collections.abc import Sequence

from .root import SessionStoreError


class RunError(SessionStoreError):
    """A run failed by itself; what it had not yet written is discarded."""

    code = "run_failed"


class AwaitingResponseError(RunError):
    """The prompt does not fit what the agent waits for.

    interrupt_ids: the interrupts that wait for an answer; empty when none does.
    """

    code = "awaiting_response"

    def __init__(self, reason: str, interrupt_ids: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.interrupt_ids = tuple(interrupt_ids)


class InterruptAnsweredError(AwaitingResponseError):
    """An answer was given before, and what it released is not started again.

    answered_ids: the interrupts that have their answer. interrupt_ids: those that still wait for one.
    """

    def __init__(self, answered_ids: Sequence[str], interrupt_ids: Sequence[str] = ()) -> None:
        super().__init__(f"the answer to {', '.join(answered_ids)} was already given", interrupt_ids)
        self.answered_ids = tuple(answered_ids)


class ModelFailedError(RunError):
    """The model failed; the cause is chained and is nothing for a caller's eyes."""

    code = "model_failed"


class ModelThrottledError(ModelFailedError):
    """The model's service refuses more for now."""

    code = "model_throttled"

    def __init__(self, reason: str, retry_after_seconds: float = 10.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class RunCancelledError(RunError):
    """Somebody asked for the run's end."""

    code = "run_cancelled"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was cancelled")
        self.run_id = run_id


class RunDeadlineError(RunError):
    """The run's time was over before its answer was complete."""

    code = "run_deadline"

    def __init__(self, run_id: str, deadline_seconds: float) -> None:
        super().__init__(f"run {run_id} did not end within {deadline_seconds:g} s")
        self.run_id = run_id


class ServiceStoppingError(RunError):
    """The process of the run is being ended, and the run's time was not over: the same request can be sent again."""

    code = "service_stopping"
    retry_after_seconds = 1.0

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} was ended because its server stops; send the request again")
        self.run_id = run_id


class RunEndedError(RunError):
    """An agent was used after its run: nothing that it says could be stored."""

    code = "run_ended"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} has ended; begin another one for the next turn")
        self.run_id = run_id
