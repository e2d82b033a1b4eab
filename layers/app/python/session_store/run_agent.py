"""What a run knows of one of its agents."""

import logging
from collections.abc import Sequence
from typing import Any

from strands.types.session import SessionAgent, SessionMessage

from .damage import KEPT
from .encoding import encode
from .interrupts import answered_interrupt_ids, waiting_interrupts
from .kept_messages import KeptMessages, KnownMessages, dump_kept

MAXIMUM_KEPT_CHARACTERS = 1_000_000
_ANSWERS_KEPT = 50

logger = logging.getLogger(__name__)


class RunAgent:
    """restored: the agent as it is stored, closed if its turn was broken off; None for a new one.

    waiting_interrupts: what it waits for a human to answer, by id, as far as was gathered. given_responses: the answers
    that it goes on with then, by id. answered_interrupts: the ids of the newest that were answered.
    """

    def __init__(self, restored: SessionAgent | None = None) -> None:
        self.restored = restored
        self.known = KnownMessages()
        self.repairs: list[SessionMessage] = []
        self._has_warned = False
        kept: dict[str, Any] = _internal_state(restored).pop(KEPT, {}) if restored else {}
        self.answered_interrupts: list[str] = kept.get("answered_interrupts", [])
        self.waiting_interrupts: dict[str, Any] = {}
        self.given_responses: dict[str, Any] = {}
        if restored:
            self.watch_interrupts(_internal_state(restored).get("interrupt_state", {}))
        self.messages = KeptMessages(
            0, kept.get("before", []), {int(number): message for number, message in kept.get("changed", {}).items()}
        )

    def restore(self, messages: Sequence[SessionMessage], texts: Sequence[str]) -> None:
        """Make the messages what the agent held, unless they were redacted since. texts: their stored bodies."""
        if changed := self.messages.changed:
            for message in messages:
                if message.redact_message is None:
                    message.message = changed.get(message.message_id) or message.message
        self.known.add(messages, texts)

    def keep(self, agent_id: str, messages: KeptMessages) -> None:
        """Take `messages` for what the next turn restores, as far as they have room beside the agent."""
        size = len(encode("messages", kept)) if (kept := dump_kept(messages)) else 0
        if size <= MAXIMUM_KEPT_CHARACTERS:
            self.messages = messages
            return
        first_id = self.messages.first_id if self.known.is_end(messages.first_id) else messages.first_id
        self.messages = KeptMessages(first_id, [], {})
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "agent_id=<%s>, characters=<%d> | what the agent holds beside its stored messages cannot be kept, the"
                " next turn restores the stored ones from number %d on; let a conversation manager shorten them, or"
                " hold long texts elsewhere",
                agent_id,
                size,
                first_id,
            )

    def describe(self, agent: SessionAgent) -> SessionAgent:
        """Add what we keep to an agent that is to be stored."""
        internal = _internal_state(agent)
        self.watch_interrupts(internal.get("interrupt_state", {}))
        answers = {"answered_interrupts": self.answered_interrupts} if self.answered_interrupts else {}
        if kept := answers | dump_kept(self.messages):
            internal[KEPT] = kept
        return agent

    def watch_interrupts(self, state: dict[str, Any]) -> None:
        self.waiting_interrupts = waiting_interrupts(state)
        answered = answered_interrupt_ids(state)
        self.given_responses = {name: state["interrupts"][name]["response"] for name in answered}
        new = [name for name in answered if name not in self.answered_interrupts]
        self.answered_interrupts = [*self.answered_interrupts, *new][-_ANSWERS_KEPT:]

    def forget_kept_messages(self) -> None:
        self.messages = KeptMessages(0, [], {})


def _internal_state(agent: SessionAgent) -> dict[str, Any]:
    return agent._internal_state  # pyright: ignore[reportPrivateUsage]
