from collections.abc import Sequence
from typing import Literal

from session_store._database import Database
from session_store._retried_write import find_stored_id
from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    MessageNotFoundError,
    MessageOrderError,
    MessageRedactedError,
    SessionStoreError,
)
from session_store.records import MessagePage, MessageRecord
from session_store.wire import MAXIMUM_BYTES

from .free_session import explain_refusal, with_free_session, write_free
from .message_copies import REPLACE_COPIES, replacements
from .message_rows import DOWNWARDS, MESSAGE_COLUMNS, UPWARDS, parse_page
from .message_words import MessageWords

# More than any response holds, as a history shows bytes by their size alone.
_MAXIMUM_MESSAGE_BYTES = 32_000_000


class PostgreSQLMessages:
    def __init__(self, database: Database, words: MessageWords) -> None:
        self._database = database
        self._words = words

    def create(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> int:
        rows, repeated = write_free(
            self._database,
            with_free_session(", preview = CASE preview WHEN '' THEN coalesce(%(preview)s, '') ELSE preview END")
            + """
            , place AS (
                UPDATE {agents} a
                SET message_count = a.message_count + 1
                FROM free
                WHERE a.session_key = free.session_key AND a.agent_id = %(agent_id)s
                  AND (a.message_count = %(message_id)s
                       OR %(message_id)s = 0 AND a.removed_message_count >= a.message_count
                          AND NOT EXISTS (
                              SELECT 1 FROM {messages} m
                              WHERE m.session_key = a.session_key AND m.agent_id = a.agent_id
                                AND m.message_id = a.message_count - 1
                                AND m.created_at = %(created_at)s AND m.message::text = %(message)s::json::text
                          ))
                RETURNING a.session_key, a.message_count - 1 AS message_id
            ), stored AS (
                INSERT INTO {messages}
                    (session_key, agent_id, message_id, message, redact_message, created_at, updated_at, words)
                SELECT session_key, %(agent_id)s, message_id, %(message)s, %(redact_message)s,
                       %(created_at)s, %(updated_at)s, {message_words_v1}(%(owner)s, %(language)s::regconfig, %(text)s)
                FROM place
                RETURNING message_id
            )
            SELECT (SELECT count(*) FROM free), (SELECT message_id FROM stored)
            """,
            {
                "owner": owner,
                "session_id": session_id,
                "agent_id": agent_id,
                "preview": preview,
                "language": self._words.language,
                "text": self._words.read(message.message),
                **message._asdict(),
            },
        )
        free, message_id = rows[0]
        if message_id is not None:
            return message_id
        stored_id = find_stored_id(self, owner, session_id, agent_id, message) if repeated else None
        if stored_id is not None:
            return stored_id
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        raise self._explain_rejection(owner, session_id, agent_id, message.message_id)

    def read(self, owner: str, session_id: str, agent_id: str, message_id: int) -> MessageRecord | None:
        rows = self._database.fetch(
            "SELECT"
            + MESSAGE_COLUMNS
            + """
            FROM {sessions} s JOIN {messages} m USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s
              AND m.agent_id = %(agent_id)s AND m.message_id = %(message_id)s
            """,
            {"owner": owner, "session_id": session_id, "agent_id": agent_id, "message_id": message_id},
        ).rows
        return MessageRecord(*rows[0]) if rows else None

    def update(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> None:
        """Also takes the earlier message's copies out of the session's states: see `message_copies`."""
        earlier = self.read(owner, session_id, agent_id, message.message_id)
        if earlier and earlier.redact_message is not None and message.redact_message is None:
            raise MessageRedactedError(message.message_id)
        rows = write_free(
            self._database,
            with_free_session(
                """, preview = CASE WHEN EXISTS (
                    SELECT FROM {messages} m
                    WHERE m.session_key = sessions.session_key AND m.agent_id = %(agent_id)s
                      AND m.message_id = %(message_id)s
                      AND (m.redact_message IS NULL OR %(redact_message)s::json IS NOT NULL)
                ) THEN coalesce(%(preview)s, preview) ELSE preview END"""
            )
            + REPLACE_COPIES
            + """
            , changed AS (
                UPDATE {messages} m
                SET message = %(message)s, redact_message = %(redact_message)s, updated_at = %(updated_at)s,
                    words = {message_words_v1}(%(owner)s, %(language)s::regconfig, %(text)s)
                FROM free
                WHERE m.session_key = free.session_key AND m.agent_id = %(agent_id)s AND m.message_id = %(message_id)s
                  AND (m.redact_message IS NULL OR %(redact_message)s::json IS NOT NULL)
                RETURNING m.message_id
            )
            SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM changed)
            """,
            {
                "owner": owner,
                "session_id": session_id,
                "agent_id": agent_id,
                "preview": preview,
                "language": self._words.language,
                "text": self._words.read(message.message),
                **message._asdict(),
                **replacements(earlier, message),
            },
        ).rows
        free, changed = rows[0]
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        if not changed and self.read(owner, session_id, agent_id, message.message_id):
            raise MessageRedactedError(message.message_id)
        if not changed:
            raise MessageNotFoundError(message.message_id)

    def list(
        self,
        owner: str,
        session_id: str,
        agent_id: str,
        *,
        from_message_id: int = 0,
        limit: int | None = None,
        order: Literal["asc", "desc"] = "asc",
    ) -> Sequence[MessageRecord]:
        rows = self._database.fetch(
            UPWARDS if order == "asc" else DOWNWARDS,
            {
                "owner": owner,
                "session_id": session_id,
                "agent_id": agent_id,
                "from_message_id": from_message_id,
                "limit": limit,
            },
        ).rows
        if not rows:
            raise AgentNotFoundError(agent_id)
        return [MessageRecord(*row) for row in rows if row[0] is not None]

    def page(
        self,
        owner: str,
        session_id: str,
        agent_id: str,
        *,
        from_message_id: int = 0,
        limit: int,
        order: Literal["asc", "desc"] = "asc",
    ) -> MessagePage:
        rows = self._database.fetch(
            """
            SELECT *
            FROM {read_messages_v2}(%(owner)s, %(session_id)s, %(agent_id)s, %(from_message_id)s, %(limit)s,
                                    %(is_descending)s, %(max_bytes)s, %(max_message_bytes)s)
            """,
            {
                "owner": owner,
                "session_id": session_id,
                "agent_id": agent_id,
                "from_message_id": from_message_id,
                "limit": limit,
                "is_descending": order == "desc",
                "max_bytes": MAXIMUM_BYTES,
                "max_message_bytes": _MAXIMUM_MESSAGE_BYTES,
            },
        ).rows
        if not rows:
            raise AgentNotFoundError(agent_id)
        return parse_page(rows)

    def count(self, owner: str, session_id: str, agent_id: str) -> int:
        count = self._count(owner, session_id, agent_id)
        if count is None:
            raise AgentNotFoundError(agent_id)
        return count

    def delete_last(self, owner: str, session_id: str, agent_id: str, message_id: int) -> None:
        rows, repeated = write_free(
            self._database,
            with_free_session(", preview = CASE %(message_id)s WHEN 0 THEN '' ELSE preview END")
            + """
            , last AS (
                UPDATE {agents} a
                SET message_count = a.message_count - 1
                FROM free
                WHERE a.session_key = free.session_key AND a.agent_id = %(agent_id)s
                  AND a.message_count = %(message_id)s + 1
                RETURNING a.session_key
            ), deleted AS (
                DELETE FROM {messages} m
                USING last
                WHERE m.session_key = last.session_key AND m.agent_id = %(agent_id)s
                  AND m.message_id = %(message_id)s
            )
            SELECT (SELECT count(*) FROM free), (SELECT count(*) FROM last)
            """,
            {"owner": owner, "session_id": session_id, "agent_id": agent_id, "message_id": message_id},
        )
        free, deleted = rows[0]
        if not free:
            raise explain_refusal(self._database, owner, session_id)
        count = 0 if deleted else self._count(owner, session_id, agent_id) or 0
        if message_id < count:
            raise MessageOrderError(message_id, count - 1, "last")
        if not deleted and not repeated:
            raise MessageNotFoundError(message_id)

    def _explain_rejection(self, owner: str, session_id: str, agent_id: str, message_id: int) -> SessionStoreError:
        next_message_id = self._count(owner, session_id, agent_id)
        if next_message_id is None:
            return AgentNotFoundError(agent_id)
        if message_id < next_message_id:
            return AlreadyExistsError("message", message_id)
        return MessageOrderError(message_id, next_message_id)

    def _count(self, owner: str, session_id: str, agent_id: str) -> int | None:
        rows = self._database.fetch(
            """
            SELECT a.message_count
            FROM {sessions} s JOIN {agents} a USING (session_key)
            WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND a.agent_id = %(agent_id)s
            """,
            {"owner": owner, "session_id": session_id, "agent_id": agent_id},
        ).rows
        return rows[0][0] if rows else None
