"""The one statement by which a run writes, and its parameters: all or nothing, while the run holds the session."""

from typing import Any

from session_store.connection import Statement
from session_store.records import RunWrite

from .arrays import dump_array
from .message_words import MessageWords
from .run_append import APPEND, dump_append, dump_run, is_append
from .values import dump_values

_ARGUMENTS: Statement = """
        %(session_id)s, %(run_id)s::uuid, %(number)s::bigint, %(lease_seconds)s::float8,
        %(status)s, %(result)s::json, %(answer_message_id)s, %(error_code)s, %(trace)s::json,
        %(preview)s, %(redacted_preview)s, %(title)s, %(language)s::regconfig,
        %(created_ids)s::text[], %(created_states)s::json[], %(created_manager_states)s::json[],
        %(created_internal_states)s::json[], %(created_removed_counts)s::bigint[],
        %(created_message_counts)s::bigint[], %(created_created_at)s::text[], %(created_updated_at)s::text[],
        %(updated_ids)s::text[], %(updated_states)s::json[], %(updated_manager_states)s::json[],
        %(updated_internal_states)s::json[], %(updated_removed_counts)s::bigint[],
        %(updated_message_counts)s::bigint[], %(updated_updated_at)s::text[],
        %(message_agent_ids)s::text[], %(message_ids)s::bigint[], %(messages)s::json[], %(redact_messages)s::json[],
        %(message_created_at)s::text[], %(message_updated_at)s::text[],
        %(message_texts)s::text[],
        %(redacted_agent_ids)s::text[], %(redacted_ids)s::bigint[], %(redacted_messages)s::json[],
        %(redacted_updated_at)s::text[], %(redacted_texts)s::text[],
        %(multi_agent_ids)s::text[], %(multi_agent_states)s::json[]
    ) w
"""
_WRITTEN: Statement = " FROM {write_run_v4}(%(owner)s," + _ARGUMENTS
# A run that does not hold the session gets no owner: then nothing is written.
_REWOUND: Statement = (
    """
    FROM {remove_tail_v1}(%(owner)s, %(session_id)s, %(run_id)s::uuid, %(rewound_agent_id)s, %(from_message_id)s,
                          %(language)s::regconfig) AS removed,
         LATERAL {write_run_v4}(CASE WHEN removed THEN %(owner)s END,"""
    + _ARGUMENTS
)
_ANSWER: Statement = "SELECT w.is_cancel_requested"
# Called once the row of write_run is there: while the run holds the session, whose row is locked by then.
_ANSWER_WITH_VALUES: Statement = (
    _ANSWER
    + """,
           {write_run_values_v2}(
               %(owner)s, %(session_id)s, %(value_keys)s::text[], %(value_sizes)s::int[],
               %(value_data)s::bytea, %(value_lifetimes)s::float8[])"""
)


def choose_write(owner: str, write: RunWrite, words: MessageWords) -> tuple[Statement, dict[str, Any]]:
    """The statement, and its parameters."""
    if is_append(write) and not words.is_on:
        return APPEND, dump_append(owner, write)
    return choose_statement(write), dump_parameters(owner, write, words)


def choose_statement(write: RunWrite) -> Statement:
    answer = _ANSWER_WITH_VALUES if write.values else _ANSWER
    statement = answer + (_REWOUND if write.rewind else _WRITTEN)
    return _and_count(statement) if write.outcome else statement


def _and_count(statement: Statement) -> Statement:
    """One statement, so that what a run has used is counted if its end is stored, and once."""
    return (
        "SELECT written.*, {count_usage_v1}(%(owner)s, %(input_tokens)s::bigint, %(output_tokens)s::bigint) FROM ("
        + statement
        + ") AS written"
    )


def dump_parameters(owner: str, write: RunWrite, words: MessageWords) -> dict[str, Any]:
    lists = {
        **_dump_created_agents(write),
        **_dump_updated_agents(write),
        **_dump_messages(write, words),
        **_dump_redactions(write, words),
        "multi_agent_ids": [state.multi_agent_id for state in write.multi_agents],
        "multi_agent_states": [state.state for state in write.multi_agents],
    }
    return {
        **dump_run(owner, write),
        "title": write.title,
        "language": words.language,
        "rewound_agent_id": write.rewind and write.rewind.agent_id,
        "from_message_id": write.rewind and write.rewind.message_id,
        "redacted_preview": write.redacted_preview,
        **(dump_values(write.values) if write.values else {}),
        **{name: dump_array(values) for name, values in lists.items()},
    }


def _dump_created_agents(write: RunWrite) -> dict[str, list[Any]]:
    agents, counts = write.created_agents, write.message_counts
    return {
        "created_ids": [agent.agent_id for agent in agents],
        "created_states": [agent.state for agent in agents],
        "created_manager_states": [agent.conversation_manager_state for agent in agents],
        "created_internal_states": [agent.internal_state for agent in agents],
        "created_removed_counts": [agent.removed_message_count for agent in agents],
        "created_message_counts": [counts.get(agent.agent_id, 0) for agent in agents],
        "created_created_at": [agent.created_at for agent in agents],
        "created_updated_at": [agent.updated_at for agent in agents],
    }


def _dump_updated_agents(write: RunWrite) -> dict[str, list[Any]]:
    """Agents with a new state or new messages; what is None stays as it is stored."""
    counts = write.message_counts
    created = {agent.agent_id for agent in write.created_agents}
    states = {agent.agent_id: agent for agent in write.updated_agents}
    ids = [agent_id for agent_id in {**counts, **states} if agent_id not in created]
    agents = [states.get(agent_id) for agent_id in ids]
    return {
        "updated_ids": ids,
        "updated_states": [agent and agent.state for agent in agents],
        "updated_manager_states": [agent and agent.conversation_manager_state for agent in agents],
        "updated_internal_states": [agent and agent.internal_state for agent in agents],
        "updated_removed_counts": [agent and agent.removed_message_count for agent in agents],
        "updated_message_counts": [counts.get(agent_id) for agent_id in ids],
        "updated_updated_at": [agent and agent.updated_at for agent in agents],
    }


def _dump_messages(write: RunWrite, words: MessageWords) -> dict[str, list[Any]]:
    records = [message.record for message in write.messages]
    return {
        "message_agent_ids": [message.agent_id for message in write.messages],
        "message_ids": [record.message_id for record in records],
        "messages": [record.message for record in records],
        "redact_messages": [record.redact_message for record in records],
        "message_created_at": [record.created_at for record in records],
        "message_updated_at": [record.updated_at for record in records],
        "message_texts": words.read_all(records),
    }


def _dump_redactions(write: RunWrite, words: MessageWords) -> dict[str, list[Any]]:
    records = [message.record for message in write.redactions]
    return {
        "redacted_agent_ids": [message.agent_id for message in write.redactions],
        "redacted_ids": [record.message_id for record in records],
        "redacted_messages": [record.message for record in records],
        "redacted_updated_at": [record.updated_at for record in records],
        "redacted_texts": words.read_all(records),
    }
