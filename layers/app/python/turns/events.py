"""What happens in a turn, in order, as plain values that no library knows.

A turn is `TurnStarted`, then text, reasoning, tool calls and their results, and last `TurnFinished`, which comes after
the commit. Between them stands None wherever nothing has happened for a while. What fails is raised; where a turn is
watched from elsewhere it ends with `TurnFailed`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from turns.answer import ProcessAnswer


class TurnStarted(NamedTuple):
    session_id: str
    run_id: str


class StepStarted(NamedTuple):
    """A node of a Graph or a Swarm is at work; a node's own nodes are named behind a slash."""

    name: str


class StepFinished(NamedTuple):
    name: str


class TextStarted(NamedTuple):
    """step: of the node that speaks, if the agent is a Graph or a Swarm."""

    message_id: str
    step: str | None = None


class TextDelta(NamedTuple):
    message_id: str
    text: str


class TextEnded(NamedTuple):
    message_id: str


class ReasoningStarted(NamedTuple):
    """A model thinks aloud; that is part of no text."""

    message_id: str


class ReasoningDelta(NamedTuple):
    message_id: str
    text: str


class ReasoningEnded(NamedTuple):
    message_id: str


class ToolCallStarted(NamedTuple):
    tool_call_id: str
    tool_name: str
    message_id: str


class ToolCallDelta(NamedTuple):
    """The next piece of the arguments' JSON text."""

    tool_call_id: str
    arguments: str


class ToolCallEnded(NamedTuple):
    tool_call_id: str


class ToolCallResult(NamedTuple):
    message_id: str
    tool_call_id: str
    content: str
    is_error: bool = False


class MessageDropped(NamedTuple):
    """The model was throttled midway and starts over: forget the message, with its tool calls."""

    message_id: str


class StateSnapshot(NamedTuple):
    """The agent's state as the turn begins, for a frontend that shows it."""

    state: dict[str, Any]


class StateDelta(NamedTuple):
    """How the agent's state has changed since: the operations of a JSON Patch, RFC 6902."""

    operations: list[dict[str, Any]]


class TurnFinished(NamedTuple):
    """The answer, which is stored. timings: milliseconds by name, and `round_trips`; empty for a repeated answer."""

    answer: ProcessAnswer
    timings: dict[str, float]


class TurnFailed(NamedTuple):
    """The turn's end by an error: its code, and words that a caller may read."""

    code: str
    message: str


Event = (
    TurnStarted
    | StepStarted
    | StepFinished
    | TextStarted
    | TextDelta
    | TextEnded
    | ReasoningStarted
    | ReasoningDelta
    | ReasoningEnded
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallEnded
    | ToolCallResult
    | MessageDropped
    | StateSnapshot
    | StateDelta
    | TurnFinished
    | TurnFailed
)


class Turn(NamedTuple):
    """A turn that has begun. It goes on while `events` are taken, and is given up when they no longer are."""

    session_id: str
    run_id: str
    events: Iterator[Event | None]
