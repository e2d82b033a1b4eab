"""What the frontend of one turn brings along: tools that it carries out itself, their results, context, state."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

INTERRUPT_NAME = "frontend_tool"


class FrontendTool(NamedTuple):
    """input_schema: JSON Schema of its arguments, an object."""

    name: str
    description: str
    input_schema: dict[str, Any]


class FrontendResult(NamedTuple):
    """content: blocks of Strands' `toolResult`. message_id: that of the client's message with the result."""

    tool_call_id: str
    content: list[dict[str, Any]]
    is_error: bool = False
    message_id: str | None = None


class Frontend(NamedTuple):
    """context: what the model is to read in this turn, and no history keeps. state: merged into the agent's own.

    message_id: the id that the prompt's message is to have.
    """

    tools: Sequence[FrontendTool] = ()
    results: Sequence[FrontendResult] = ()
    context: Sequence[str] = ()
    state: Mapping[str, Any] = {}
    message_id: str | None = None


def find_call(interrupt: Mapping[str, Any]) -> str | None:
    """The tool call, if the interrupt is one to a frontend's tool."""
    reason: Any = interrupt.get("reason")
    if interrupt.get("name") != INTERRUPT_NAME or not isinstance(reason, dict):
        return None
    return cast(dict[str, Any], reason).get("tool_call_id")
