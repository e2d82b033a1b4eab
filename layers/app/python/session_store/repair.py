"""Closes what a run that broke off left open, so that the next turn can begin."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from strands.types.content import Message, _ensure_tracking_id  # pyright: ignore[reportPrivateUsage]
from strands.types.session import SessionAgent

from .history import closing_messages
from .interrupts import (
    InterruptState,
    answered_interrupt_ids,
    inactive_state,
    settle_started_tools,
    waiting_interrupts,
)
from .open_turn import OPEN_TURN


def repair_agent(agent: SessionAgent, last: Callable[[], Message | None]) -> list[Message] | None:
    """Close the agent's turn in its interrupt state; the messages that belong behind its history then.

    None if its last turn was closed. last: reads the last stored message.
    """
    internal: dict[str, Any] = agent._internal_state  # pyright: ignore[reportPrivateUsage]
    broke_off: bool = internal.pop(OPEN_TURN, False)
    state: InterruptState = internal.get("interrupt_state", {})
    if waiting_interrupts(state):
        if broke_off:
            settle_started_tools(state)
        return [] if broke_off else None
    if not (broke_off or state.get("activated")):
        return None
    results = settle_started_tools(state)
    internal["interrupt_state"] = inactive_state()
    tail = last()
    if not broke_off and tail and tail["role"] == "user":
        return []  # an agent that was cancelled keeps its answers beside the tools' results
    closing = cast(list[Message], closing_messages(tail, results))
    for message in closing:
        _ensure_tracking_id(message)
    return closing


def close_answered_elsewhere(agent: SessionAgent, waiting: Iterable[str], answered: Iterable[str]) -> None:
    """Take an agent's questions for answered if the agent that uses it as a tool got the answers, and broke off.

    waiting, answered: the interrupts of that agent, which names them `v1:agent_as_tool:<its tool use>:<theirs>`.
    """
    internal: dict[str, Any] = agent._internal_state  # pyright: ignore[reportPrivateUsage]
    for interrupt_id, interrupt in waiting_interrupts(internal.get("interrupt_state", {})).items():
        theirs = f":{interrupt_id}"
        if any(name.endswith(theirs) for name in answered) and not any(name.endswith(theirs) for name in waiting):
            interrupt["response"] = "answered elsewhere"


def repair_multi_agent(payload: dict[str, Any]) -> InterruptState | None:
    """Close the answered interrupts of a Graph or a Swarm that broke off while it went on with them.

    What is returned, set again before its nodes run, lets them go on from where they asked: with the answers, and
    with results that call the outcome of their started tools unknown. A node that a hook held back is asked about
    again.
    """
    state: InterruptState = payload.get("_internal_state", {}).get("interrupt_state", {})
    if not state.get("activated") or payload.get("status") == "interrupted":
        return None
    context: dict[str, Any] = state["context"]
    nodes: dict[str, dict[str, Any]] = {name: node for name, node in context.items() if isinstance(node, dict)}
    for name, node in nodes.items():
        if node.get("from_hook") or not node.get("activated", True):
            del context[name]
            _forget_answers(state, node)
        elif "interrupt_state" in node:
            _settle_node(node["interrupt_state"], state)
    if waiting_interrupts(state):
        payload |= {"status": "interrupted", "interrupted_nodes": _unfinished(nodes, payload)}
        return None
    payload["_internal_state"]["interrupt_state"] = inactive_state()
    return state if nodes.keys() & context.keys() else None


def _settle_node(node: InterruptState, whole: InterruptState) -> None:
    """A node's own state is as it was when it asked: the answers are beside it, in the whole's."""
    for interrupt_id in answered_interrupt_ids(whole):
        if interrupt_id in node["interrupts"]:
            node["interrupts"][interrupt_id]["response"] = whole["interrupts"][interrupt_id]["response"]
    settle_started_tools(node)


def _forget_answers(state: InterruptState, node: dict[str, Any]) -> None:
    """A Swarm, which goes on with one node at a time, does not list a node's interrupts."""
    for interrupt_id in node.get("interrupt_ids", list(state["interrupts"])):
        state["interrupts"].pop(interrupt_id, None)


def _unfinished(nodes: dict[str, Any], payload: dict[str, Any]) -> list[str]:
    return [name for name in nodes if name not in payload.get("completed_nodes", [])]
