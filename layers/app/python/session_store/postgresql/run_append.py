"""The usual write of a run: messages of one agent, one after another, for which a smaller function does less."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from session_store.connection import Statement
from session_store.records import AgentMessage, AgentRecord, RunOutcome, RunWrite

from .arrays import dump_array

# Without casts: what they name is what the function takes, and each is parsed again for every write.
APPEND: Statement = """
    SELECT {append_messages_v1}(
        %(owner)s, %(session_id)s, %(run_id)s, %(number)s, %(lease_seconds)s, %(preview)s,
        %(status)s, %(result)s, %(answer_message_id)s, %(error_code)s, %(trace)s, %(input_tokens)s, %(output_tokens)s,
        %(agent_id)s, %(state)s, %(conversation_manager_state)s, %(internal_state)s,
        %(removed_message_count)s, %(agent_created_at)s, %(agent_updated_at)s,
        %(first_id)s, %(messages)s, %(created_at)s, %(updated_at)s)
"""
_ENDS_NOTHING = dict.fromkeys(RunOutcome._fields)
_CHANGES_NOTHING = dict.fromkeys(
    ("state", "conversation_manager_state", "internal_state", "removed_message_count", "agent_updated_at")
)


def is_append(write: RunWrite) -> bool:
    """Whether it is that write. What searches find is stored by the other function."""
    others = write.redactions or write.multi_agents or write.values or write.rewind
    names = write.title, write.redacted_preview  # an empty one takes away what is there
    agents = (*write.created_agents, *write.updated_agents)
    return not others and names == (None, None) and len(agents) <= 1 and _follow_one_another(write.messages, agents)


def _follow_one_another(messages: Sequence[AgentMessage], agents: Sequence[AgentRecord]) -> bool:
    if not messages:
        return False
    first_agent_id = messages[0].agent_id
    return all(agent.agent_id == first_agent_id for agent in agents) and all(
        agent_id == first_agent_id and record.message_id == message_id and record.redact_message is None
        for (agent_id, record), message_id in zip(messages, count(messages[0].record.message_id))
    )


def dump_append(owner: str, write: RunWrite) -> dict[str, Any]:
    records = [message.record for message in write.messages]
    return {
        **dump_run(owner, write),
        "agent_id": write.messages[0].agent_id,
        **_dump_agent(write),
        "first_id": records[0].message_id,
        "messages": dump_array([record.message for record in records]),
        "created_at": dump_array([record.created_at for record in records]),
        "updated_at": dump_array([record.updated_at for record in records]),
    }


def dump_run(owner: str, write: RunWrite) -> dict[str, Any]:
    """What of every write says whose it is, which one, and how the run ended if it did."""
    return {
        "owner": owner,
        "session_id": write.session_id,
        "run_id": write.run_id,
        "number": write.number,
        "lease_seconds": write.lease_seconds,
        "preview": write.preview,
        **(write.outcome._asdict() if write.outcome else _ENDS_NOTHING),
    }


def _dump_agent(write: RunWrite) -> dict[str, Any]:
    if not write.created_agents and not write.updated_agents:
        return {"agent_created_at": None, **_CHANGES_NOTHING}
    (agent,) = write.created_agents or write.updated_agents
    return {
        "state": agent.state,
        "conversation_manager_state": agent.conversation_manager_state,
        "internal_state": agent.internal_state,
        "removed_message_count": agent.removed_message_count,
        "agent_created_at": agent.created_at if write.created_agents else None,
        "agent_updated_at": agent.updated_at,
    }
