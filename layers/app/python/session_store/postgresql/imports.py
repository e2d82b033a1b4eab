from collections.abc import Sequence
from functools import partial
from typing import Any

from session_store._database import Database
from session_store.errors import StoreUnavailableError
from session_store.records import AgentMessage, AgentRecord, MultiAgentRecord, SessionRecord
from session_store.sending import Sending

from .session_rows import IS_LATE_CREATION


class PostgreSQLImports:
    """Sessions that come whole, with the times that they had elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        owner: str,
        session: SessionRecord,
        agents: Sequence[AgentRecord],
        messages: Sequence[AgentMessage],
        multi_agents: Sequence[MultiAgentRecord],
    ) -> bool:
        """All of it in one statement; False where the session is there already, and nothing is changed."""
        records = [message.record for message in messages]
        parameters = {
            "owner": owner,
            **session._asdict(),
            "agent_ids": [agent.agent_id for agent in agents],
            "states": [agent.state for agent in agents],
            "manager_states": [agent.conversation_manager_state for agent in agents],
            "internal_states": [agent.internal_state for agent in agents],
            "removed_counts": [agent.removed_message_count for agent in agents],
            "message_counts": [agent.message_count for agent in agents],
            "agents_created_at": [agent.created_at for agent in agents],
            "agents_updated_at": [agent.updated_at for agent in agents],
            "message_agent_ids": [message.agent_id for message in messages],
            "message_ids": [record.message_id for record in records],
            "messages": [record.message for record in records],
            "redact_messages": [record.redact_message for record in records],
            "messages_created_at": [record.created_at for record in records],
            "messages_updated_at": [record.updated_at for record in records],
            "multi_agent_ids": [multi_agent.multi_agent_id for multi_agent in multi_agents],
            "multi_agent_states": [multi_agent.state for multi_agent in multi_agents],
        }
        return self._database.send(partial(self._create, parameters))

    def _create(self, parameters: dict[str, Any], sending: Sending) -> bool:
        """One that comes after the session was deleted brings nothing back."""
        rows, repeated = self._database.fetch(
            """
            WITH created AS (
                INSERT INTO {sessions} (owner, session_id, session_type, created_at, updated_at, preview,
                                        error_code)
                SELECT %(owner)s, %(session_id)s, %(session_type)s,
                       %(created_at)s::timestamptz, %(updated_at)s::timestamptz, %(preview)s, NULL
                WHERE NOT """
            + IS_LATE_CREATION
            + """
                ON CONFLICT (owner, session_id) DO NOTHING
                RETURNING session_key
            ), with_agents AS (
                INSERT INTO {agents} (session_key, agent_id, state, conversation_manager_state, internal_state,
                                      removed_message_count, message_count, created_at, updated_at)
                SELECT created.session_key, a.*
                FROM created, unnest(%(agent_ids)s::text[], %(states)s::json[], %(manager_states)s::json[],
                                     %(internal_states)s::json[], %(removed_counts)s::bigint[],
                                     %(message_counts)s::bigint[], %(agents_created_at)s::text[],
                                     %(agents_updated_at)s::text[]) AS a
            ), with_messages AS (
                INSERT INTO {messages} (session_key, agent_id, message_id, message, redact_message, created_at,
                                        updated_at)
                SELECT created.session_key, m.*
                FROM created, unnest(%(message_agent_ids)s::text[], %(message_ids)s::bigint[], %(messages)s::json[],
                                     %(redact_messages)s::json[], %(messages_created_at)s::text[],
                                     %(messages_updated_at)s::text[]) AS m
            ), with_multi_agents AS (
                INSERT INTO {multi_agents} (session_key, multi_agent_id, state)
                SELECT created.session_key, m.*
                FROM created, unnest(%(multi_agent_ids)s::text[], %(multi_agent_states)s::json[]) AS m
            )
            SELECT EXISTS (SELECT FROM created), extract(epoch FROM clock_timestamp())::float8,
            """
            + IS_LATE_CREATION,
            {**parameters, "sent_at": sending.sent_at},
        )
        is_created, database_time, is_late = rows[0]
        if is_late and not is_created:
            raise StoreUnavailableError("the session was deleted since this was sent", database_time=database_time)
        return is_created or repeated
