"""What an agent's internal state says about questions to a human. Public."""

from collections.abc import Mapping
from typing import Any


def find_interrupts(internal_state: Mapping[str, Any]) -> dict[str, Any]:
    """The interrupts at which the agent has stopped, by id, as Strands keeps them, answered ones included.

    Empty when it waits for nobody: Strands keeps interrupts for which it no longer asks.
    """
    state: Mapping[str, Any] = internal_state.get("interrupt_state") or {}
    return state.get("interrupts") or {} if state.get("activated") else {}
