"""Refuses what no agent could be restored from, before it is stored. Raises `InvalidInputError` naming the member."""

from collections import Counter
from collections.abc import Iterable

from .damage import find_agent_damage, find_message_damage, find_multi_agent_damage
from .encoding import decode
from .errors import InvalidInputError
from .records import AgentChange, AgentRecord, MessageRecord, MultiAgentRecord, RunWrite


def check_message(message: MessageRecord) -> None:
    _refuse("message", find_message_damage(decode(message.message)))


def check_agent(agent: AgentRecord | AgentChange) -> None:
    """A part that is None is not checked."""
    texts = agent.state, agent.conversation_manager_state, agent.internal_state
    reason = find_agent_damage(*(text and decode(text) for text in texts))
    if reason:
        name, _, words = reason.partition(" ")
        raise InvalidInputError(name, words)


def check_multi_agent(multi_agent: MultiAgentRecord) -> None:
    _refuse("state", find_multi_agent_damage(decode(multi_agent.state)))


def check_write(write: RunWrite) -> None:
    for message in (*write.messages, *write.redactions):
        check_message(message.record)
    for agent in (*write.created_agents, *write.updated_agents):
        check_agent(agent)
    for multi_agent in write.multi_agents:
        check_multi_agent(multi_agent)
    _refuse_twice("agents", (agent.agent_id for agent in (*write.created_agents, *write.updated_agents)))
    _refuse_twice("multi_agents", (multi_agent.multi_agent_id for multi_agent in write.multi_agents))
    _refuse_twice("redactions", ((message.agent_id, message.record.message_id) for message in write.redactions))


def _refuse(field: str, reason: str | None) -> None:
    if reason:
        raise InvalidInputError(field, reason)


def _refuse_twice(field: str, keys: Iterable[object]) -> None:
    if repeated := [key for key, count in Counter(keys).items() if count > 1]:
        raise InvalidInputError(field, f"must have {repeated[0]!r} only once")
