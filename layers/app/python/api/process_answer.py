"""What `/process` answers, and what of it is stored for the same request sent again."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from api.answers import Interrupt, ProcessAnswer, RunAnswer, Usage
from api.run_routes import stored_answer
from session_store.records import RunRecord


def run_answer(
    response: str, stop_reason: str, usage: Mapping[str, int], interrupts: Sequence[Mapping[str, Any]]
) -> RunAnswer:
    """`usage` and `interrupts` as `agent.turn.Answer` has them."""
    answer: RunAnswer = {"response": response, "stop_reason": stop_reason, "usage": cast(Usage, usage)}
    if interrupts:
        answer["interrupts"] = [cast(Interrupt, dict(interrupt)) for interrupt in interrupts]
    return answer


def result_to_store(answer: RunAnswer) -> dict[str, Any]:
    """All but the text: that is read from the stored message, so that redacting it redacts the answer."""
    return {name: value for name, value in answer.items() if name != "response"}


def process_answer(session_id: str, run_id: str, answer: RunAnswer) -> ProcessAnswer:
    return {"session_id": session_id, "run_id": run_id, **answer}


def repeated_answer(record: RunRecord) -> ProcessAnswer:
    """The answer to a request that is sent again with its idempotency key."""
    return process_answer(record.session_id, record.run_id, stored_answer(record))
