from functools import partial

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import AgentNotFoundError, AlreadyExistsError, MessageNotFoundError
from session_store.records import AgentChange, AgentRecord

from .deletion import delete_agent
from .free_session import explain_refusal, with_free_session, write_free

_COLUMNS: Statement = """
    a.agent_id, a.state::text, a.conversation_manager_state::text, a.internal_state::text, a.created_at, a.updated_at,
    a.removed_message_count, a.message_count
"""


class PostgreSQLAgents:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        rows, repeated = write_free(
            self._database,
            with_free_session()
            + """
            , created AS (
                INSERT INTO {agents} (session_key, agent_id, state, conversation_manager_state, internal_state,
                                      removed_message_count, created_at, updated_at)
                SELECT session_key, %(agent_id)s, %(state)s, %(conversation_manager_state)s, %(internal_state)s,
                       %(removed_message_count)s, %(created_at)s, %(updated_at)s
                FROM free
                ON CONFLICT (session_key, agent_id) DO NOTHING
                RETURNING agent_id
            )
            SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM created)
            """,
            {"owner": owner, "session_id": session_id, **agent._asdict()},
        )
        free, created = rows[0]
        if created or (repeated and self._is_stored(owner, session_id, agent)):
            return
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        raise AlreadyExistsError("agent", agent.agent_id)

    def read(self, owner: str, session_id: str, agent_id: str) -> AgentRecord | None:
        rows = self._database.fetch(
            "SELECT"
            + _COLUMNS
            + """
            FROM {sessions} s JOIN {agents} a USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND a.agent_id = %(agent_id)s
            """,
            {"owner": owner, "session_id": session_id, "agent_id": agent_id},
        ).rows
        return AgentRecord(*rows[0]) if rows else None

    def read_past(self, owner: str, session_id: str, agent_id: str, message_id: int) -> AgentRecord:
        rows = self._database.fetch(
            """
            SELECT a.message_count,
                   a.agent_id, coalesce(p.state::text, '{{}}'), coalesce(p.conversation_manager_state::text, '{{}}'),
                   coalesce(p.internal_state::text, '{{}}'), a.created_at, a.updated_at,
                   coalesce(p.removed_message_count, 0), %(message_id)s::bigint
            FROM {sessions} s
            JOIN {agents} a USING (session_key)
            LEFT JOIN LATERAL {past_agent_v1}(s.session_key, a.agent_id, %(message_id)s) AS p ON true
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND a.agent_id = %(agent_id)s
            """,
            {"owner": owner, "session_id": session_id, "agent_id": agent_id, "message_id": message_id},
        ).rows
        if not rows:
            raise AgentNotFoundError(agent_id)
        if message_id >= rows[0][0]:
            raise MessageNotFoundError(message_id)
        return AgentRecord(*rows[0][1:])

    def list(self, owner: str, session_id: str, *, limit: int | None = None, offset: int = 0) -> list[AgentRecord]:
        """Agents by id; a session has a handful, so an offset costs nothing."""
        rows = self._database.fetch(
            "SELECT"
            + _COLUMNS
            + """
            FROM {sessions} s JOIN {agents} a USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            ORDER BY a.agent_id
            LIMIT %(limit)s OFFSET %(offset)s
            """,
            {"owner": owner, "session_id": session_id, "limit": limit, "offset": offset},
        ).rows
        return [AgentRecord(*row) for row in rows]

    def count(self, owner: str, session_id: str) -> int | None:
        rows = self._database.fetch(
            """
            SELECT count(a.agent_id)
            FROM {sessions} s LEFT JOIN {agents} a USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            GROUP BY s.session_key
            """,
            {"owner": owner, "session_id": session_id},
        ).rows
        return rows[0][0] if rows else None

    def delete(self, owner: str, session_id: str, agent_id: str) -> None:
        self._database.send(partial(delete_agent, self._database, owner, session_id, agent_id))

    def update(self, owner: str, session_id: str, agent: AgentRecord | AgentChange) -> None:
        rows = write_free(
            self._database,
            with_free_session()
            + """
            , changed AS (
                UPDATE {agents} a
                SET state = coalesce(%(state)s::json, a.state),
                    conversation_manager_state =
                        coalesce(%(conversation_manager_state)s::json, a.conversation_manager_state),
                    internal_state = coalesce(%(internal_state)s::json, a.internal_state),
                    removed_message_count = coalesce(%(removed_message_count)s, a.removed_message_count),
                    updated_at = %(updated_at)s
                FROM free
                WHERE a.session_key = free.session_key AND a.agent_id = %(agent_id)s
                RETURNING a.agent_id
            )
            SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM changed)
            """,
            {"owner": owner, "session_id": session_id, **agent._asdict()},
        ).rows
        free, changed = rows[0]
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        if not changed:
            raise AgentNotFoundError(agent.agent_id)

    def _is_stored(self, owner: str, session_id: str, agent: AgentRecord) -> bool:
        stored = self.read(owner, session_id, agent.agent_id)
        return stored is not None and (stored.state, stored.created_at) == (agent.state, agent.created_at)
