"""What an agent answered: as its caller gets it, and as its run keeps it."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on

from session_store.message_text import read_text
from session_store.records import RunRecord

_TIMINGS = "timings"


class Usage(TypedDict):
    """Tokens of all model calls of the run."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class Interrupt(TypedDict):
    """A question to a human; the next prompt to the session answers it by its id."""

    id: str
    name: str
    reason: NotRequired[Any]


class RunAnswer(TypedDict):
    """What the agent answered; `interrupts` comes with the stop reason `interrupt`.

    `structured_output` is what an agent with a `structured_output_model` answers, as JSON.
    """

    response: str
    stop_reason: str
    usage: Usage
    interrupts: NotRequired[list[Interrupt]]
    structured_output: NotRequired[Any]


class ProcessAnswer(RunAnswer):
    """The agent's answer, stored before it is sent."""

    session_id: str
    run_id: str


def process_answer(session_id: str, run_id: str, answer: RunAnswer) -> ProcessAnswer:
    return {"session_id": session_id, "run_id": run_id, **answer}


def dump_result(answer: RunAnswer, timings: Mapping[str, float], *, is_message: bool) -> dict[str, Any]:
    """All but the text, where that is a stored message's: so redacting the message redacts the answer."""
    kept = {name: value for name, value in answer.items() if name != "response" or not is_message}
    return {**kept, _TIMINGS: timings}


def parse_message_id(record: RunRecord) -> str | None:
    """The id of the message that answered, as its history has it."""
    return json.loads(record.answer).get("tracking_id") if record.answer else None


def parse_answer(record: RunRecord) -> RunAnswer:
    """What a completed run answered, with the text of its message as it is stored now, maybe redacted."""
    content: list[dict[str, Any]] = json.loads(record.answer)["content"] if record.answer else []
    result: dict[str, Any] = json.loads(record.result or "{}")
    result.pop(_TIMINGS, None)
    return cast(RunAnswer, {"response": read_text(content), **result})


def parse_timings(record: RunRecord) -> dict[str, float] | None:
    """Of a completed run: milliseconds by name, and its `round_trips`."""
    return json.loads(record.result or "{}").get(_TIMINGS)
