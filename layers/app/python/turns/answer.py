"""What an agent answered: as its caller gets it, and as its run keeps it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on

from session_store.records import RunRecord


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
    """What the agent answered; `interrupts` comes with the stop reason `interrupt`."""

    response: str
    stop_reason: str
    usage: Usage
    interrupts: NotRequired[list[Interrupt]]


class ProcessAnswer(RunAnswer):
    """The agent's answer, stored before it is sent."""

    session_id: str
    run_id: str


def process_answer(session_id: str, run_id: str, answer: RunAnswer) -> ProcessAnswer:
    return {"session_id": session_id, "run_id": run_id, **answer}


def dump_result(answer: RunAnswer) -> dict[str, Any]:
    """All but the text: that is read from the stored message, so that redacting it redacts the answer."""
    return {name: value for name, value in answer.items() if name != "response"}


def parse_answer(record: RunRecord) -> RunAnswer:
    """What a completed run answered, with the text of its message as it is stored now, maybe redacted."""
    content: list[dict[str, Any]] = json.loads(record.answer)["content"] if record.answer else []
    return cast(RunAnswer, {"response": read_text(content), **json.loads(record.result or "{}")})


def read_text(content: Sequence[Mapping[str, Any]]) -> str:
    """The text of a message's content blocks, citations included."""
    return "\n".join(text for block in content for text in _texts(block))


def _texts(block: Mapping[str, Any]) -> list[str]:
    parts = block.get("citationsContent", {}).get("content", []) if "text" not in block else [block]
    return [part["text"] for part in parts if "text" in part]
