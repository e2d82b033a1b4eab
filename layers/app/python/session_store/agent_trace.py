"""The calls of models, tools and nodes as spans of their run."""

from contextlib import suppress
from typing import Any, cast, get_args

from strands.hooks import (
    AfterModelCallEvent,
    AfterNodeCallEvent,
    AfterToolCallEvent,
    BeforeModelCallEvent,
    BeforeNodeCallEvent,
    BeforeToolCallEvent,
)
from strands.models.model import Model

from .trace import Trace

CallEvent = (
    BeforeModelCallEvent
    | AfterModelCallEvent
    | BeforeToolCallEvent
    | AfterToolCallEvent
    | BeforeNodeCallEvent
    | AfterNodeCallEvent
)
CALL_EVENTS = get_args(CallEvent)


def source_of(event: CallEvent) -> Any:
    """The agent, the Graph or the Swarm that calls."""
    return event.source if isinstance(event, BeforeNodeCallEvent | AfterNodeCallEvent) else event.agent


def trace_call(trace: Trace, event: CallEvent, node: str | None = None) -> None:
    """node: in which the source of the event is. An event may come twice, from two who listen to one source."""
    match event:
        case BeforeModelCallEvent():
            trace.start(id(event.agent), "model", model_name(event.agent.model), node)
        case AfterModelCallEvent():
            _end_model_call(trace, event)
        case BeforeToolCallEvent():
            trace.start((id(event.agent), event.tool_use["toolUseId"]), "tool", event.tool_use["name"], node)
        case AfterToolCallEvent():
            status = "cancelled" if event.cancel_message else event.result.get("status")
            trace.end((id(event.agent), event.tool_use["toolUseId"]), status)
        case BeforeNodeCallEvent():
            name = f"{node}/{event.node_id}" if node else event.node_id
            trace.start((id(event.source), event.node_id), "node", name, node)
        case AfterNodeCallEvent():
            trace.end((id(event.source), event.node_id))


def model_name(model: Model) -> str:
    """Its id; of a model that has none, its class."""
    with suppress(Exception):  # a model of somebody's own may know no configuration: no turn is to fail for a name
        return str(cast(dict[str, Any], model.get_config())["model_id"])
    return type(model).__name__


def _end_model_call(trace: Trace, event: AfterModelCallEvent) -> None:
    if event.stop_response is None:
        trace.end(id(event.agent), "error")
        return
    metadata = event.stop_response.message.get("metadata", {})
    usage, metrics = metadata.get("usage", {}), metadata.get("metrics", {})
    trace.end(
        id(event.agent),
        event.stop_response.stop_reason,
        waited_ms=metrics.get("timeToFirstByteMs") or None,
        input_tokens=usage.get("inputTokens"),
        output_tokens=usage.get("outputTokens"),
    )
