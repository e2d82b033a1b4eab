from collections.abc import Sequence

from session_store._database import Database
from session_store.errors import AlreadyExistsError, MultiAgentNotFoundError
from session_store.records import MultiAgentRecord

from .free_session import explain_refusal, with_free_session, write_free


class PostgreSQLMultiAgents:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        rows, repeated = write_free(
            self._database,
            with_free_session()
            + """
            , created AS (
                INSERT INTO {multi_agents} (session_key, multi_agent_id, state)
                SELECT session_key, %(multi_agent_id)s, %(state)s FROM free
                ON CONFLICT (session_key, multi_agent_id) DO NOTHING
                RETURNING multi_agent_id
            )
            SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM created)
            """,
            {"owner": owner, "session_id": session_id, "multi_agent_id": multi_agent_id, "state": state},
        )
        free, created = rows[0]
        if created or (repeated and self.read(owner, session_id, multi_agent_id) == state):
            return
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        raise AlreadyExistsError("multi-agent", multi_agent_id)

    def read(self, owner: str, session_id: str, multi_agent_id: str) -> str | None:
        rows = self._database.fetch(
            """
            SELECT m.state::text
            FROM {sessions} s JOIN {multi_agents} m USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND m.multi_agent_id = %(multi_agent_id)s
            """,
            {"owner": owner, "session_id": session_id, "multi_agent_id": multi_agent_id},
        ).rows
        return rows[0][0] if rows else None

    def list(self, owner: str, session_id: str) -> Sequence[MultiAgentRecord]:
        rows = self._database.fetch(
            """
            SELECT m.multi_agent_id, m.state::text
            FROM {sessions} s JOIN {multi_agents} m USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            ORDER BY m.multi_agent_id
            """,
            {"owner": owner, "session_id": session_id},
        ).rows
        return [MultiAgentRecord(*row) for row in rows]

    def newest(self, owner: str, session_id: str) -> str | None:
        """The state that was stored last, of whichever of the session's multi-agents."""
        rows = self._database.fetch(
            """
            SELECT m.state::text
            FROM {sessions} s JOIN {multi_agents} m USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
            ORDER BY m.updated_at DESC, m.multi_agent_id
            LIMIT 1
            """,
            {"owner": owner, "session_id": session_id},
        ).rows
        return rows[0][0] if rows else None

    def update(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        rows = write_free(
            self._database,
            with_free_session()
            + """
            , changed AS (
                UPDATE {multi_agents} m
                SET state = %(state)s, updated_at = clock_timestamp()
                FROM free
                WHERE m.session_key = free.session_key AND m.multi_agent_id = %(multi_agent_id)s
                RETURNING m.multi_agent_id
            )
            SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM changed)
            """,
            {"owner": owner, "session_id": session_id, "multi_agent_id": multi_agent_id, "state": state},
        ).rows
        free, changed = rows[0]
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        if not changed:
            raise MultiAgentNotFoundError(multi_agent_id)
