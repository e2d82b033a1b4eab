"""What a run knows of its Graphs and Swarms."""

from typing import Any

from .interrupts import InterruptState, answered_interrupt_ids, waiting_interrupts
from .repair import repair_multi_agent

ANSWERED = "session_store.answered_interrupts"
"""Our member of a multi-agent's state, which Strands passes over."""

_ANSWERS_KEPT = 50


class RunMultiAgents:
    """waiting_interrupts, answered_interrupts: of those that were restored, as for a single agent."""

    def __init__(self) -> None:
        self.waiting_interrupts: dict[str, Any] = {}
        self._answered: dict[str, list[str]] = {}
        self._resumptions: dict[str, InterruptState] = {}

    @property
    def answered_interrupts(self) -> list[str]:
        return [interrupt_id for answered in self._answered.values() for interrupt_id in answered]

    def restore(self, multi_agent_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The state to restore, its interrupts closed if what they released broke off."""
        self._answered[multi_agent_id] = payload.pop(ANSWERED, [])
        resumption = repair_multi_agent(payload)
        if resumption:
            self._resumptions[multi_agent_id] = resumption
        self.waiting_interrupts |= waiting_interrupts(_interrupt_state(payload))
        return payload

    def describe(self, multi_agent_id: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Add what we keep to a state that is to be stored."""
        answered = self._answered.setdefault(multi_agent_id, [])
        answered += [name for name in answered_interrupt_ids(_interrupt_state(payload)) if name not in answered]
        del answered[:-_ANSWERS_KEPT]
        return payload | ({ANSWERED: answered} if answered else {})

    def take_resumption(self, multi_agent_id: str, node_id: str) -> InterruptState | None:
        """The interrupt state from which the node goes on, once."""
        resumption = self._resumptions.get(multi_agent_id)
        return self._resumptions.pop(multi_agent_id) if resumption and node_id in resumption["context"] else None


def _interrupt_state(payload: dict[str, Any]) -> InterruptState:
    return payload.get("_internal_state", {}).get("interrupt_state", {})
