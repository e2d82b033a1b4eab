"""Strands' interrupt state in its stored form: what waits for a human, what was answered, what broke off.

    {"activated": true, "interrupts": {id: {"id", "name", "reason", "response"}}, "context": {…},
     "pending_tool_execution": {"assistant_message": {…}, "completed_tool_results": [{…}]}}

A state that is activated while nothing in it waits was answered, and what its answers released did not end.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .errors import AwaitingResponseError, InterruptAnsweredError
from .history import tool_use_ids, unknown_outcome

InterruptState = dict[str, Any]


def find_interrupts(internal_state: Mapping[str, Any]) -> dict[str, Any]:
    """The interrupts for which an agent of this internal state waits, by id, as Strands keeps them."""
    return waiting_interrupts(internal_state.get("interrupt_state") or {})


def waiting_interrupts(state: InterruptState) -> dict[str, Any]:
    """The interrupts without an answer, by id; empty when the agent waits for nobody."""
    if not state.get("activated"):
        return {}
    interrupts: dict[str, Any] = state.get("interrupts", {})
    return {name: interrupt for name, interrupt in interrupts.items() if interrupt.get("response") is None}


def answered_interrupt_ids(state: InterruptState) -> list[str]:
    interrupts: dict[str, Any] = state.get("interrupts", {})
    return [name for name, interrupt in interrupts.items() if interrupt.get("response") is not None]


def check_answers(interrupt_ids: Sequence[str], waiting: Sequence[str], answered: Sequence[str]) -> None:
    """Raises `InterruptAnsweredError`, or `AwaitingResponseError`, unless these answers are for what waits."""
    unexpected = [interrupt_id for interrupt_id in interrupt_ids if interrupt_id not in waiting]
    if given := [interrupt_id for interrupt_id in unexpected if interrupt_id in answered]:
        raise InterruptAnsweredError(given, waiting)
    if unexpected and not waiting:
        raise AwaitingResponseError("the agent waits for no answer")
    if unexpected:
        raise AwaitingResponseError("the agent waits for answers to other interrupts", waiting)
    if waiting and not interrupt_ids:
        raise AwaitingResponseError("the agent waits for answers to its interrupts", waiting)


def inactive_state() -> InterruptState:
    return {"interrupts": {}, "context": {}, "activated": False}


def settle_started_tools(state: InterruptState) -> list[dict[str, Any]]:
    """Give each tool that may have started and has no result one that says so; the results that are known then.

    A tool behind an unanswered question has not started.
    """
    pending = state.get("pending_tool_execution")
    if not pending:
        return []
    results: list[dict[str, Any]] = pending["completed_tool_results"]
    requests = tool_use_ids(pending["assistant_message"])
    settled = {result["toolUseId"] for result in results} | _held_back(waiting_interrupts(state), requests)
    results += [unknown_outcome(request) for request in requests if request not in settled]
    return results


def _held_back(waiting: dict[str, Any], requests: list[str]) -> set[str]:
    """The requests that unanswered interrupts hold back: all of them, where an interrupt is none of a tool's own."""
    held: set[str] = set()
    for interrupt_id in waiting:
        own = {request for request in requests if is_of_tool(interrupt_id, request)}
        if not own:
            return set(requests)
        held |= own
    return held


def is_of_tool(interrupt_id: str, tool_use_id: str) -> bool:
    """`v1:tool_call:<tool use>:…`; an agent used as a tool quotes the id."""
    return any(f":{form}:" in interrupt_id for form in (tool_use_id, quote(tool_use_id, safe="")))
