"""What of a message's row is read, and the statements that read an agent's messages in order."""

from typing import Any

from session_store.connection import Statement
from session_store.records import MessageRecord, OmittedMessage

MESSAGE_COLUMNS: Statement = " m.message_id, m.message::text, m.redact_message::text, m.created_at, m.updated_at"


def parse_message(row: tuple[Any, ...]) -> MessageRecord | OmittedMessage:
    """See read_messages_v1."""
    message_id, message, redact_message, created_at, updated_at, omitted_bytes = row
    if omitted_bytes is None:
        return MessageRecord(message_id, message, redact_message, created_at, updated_at)
    return OmittedMessage(message_id, omitted_bytes, redact_message is not None, created_at, updated_at)


# An agent without messages gives one empty row, a missing agent gives none.
# Ids are dense, so a page is bounded by ids at both ends: for LIMIT alone the planner may read and sort all the rest.
UPWARDS: Statement = (
    "SELECT"
    + MESSAGE_COLUMNS
    + """
    FROM {sessions} s
    JOIN {agents} a USING (session_key)
    LEFT JOIN LATERAL (
        SELECT *
        FROM {messages}
        WHERE session_key = a.session_key AND agent_id = a.agent_id AND message_id >= %(from_message_id)s
          AND message_id < least(%(from_message_id)s, a.message_count)::bigint
                           + coalesce(%(limit)s::bigint, a.message_count)
        ORDER BY message_id
        LIMIT %(limit)s
    ) m ON true
    WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND a.agent_id = %(agent_id)s
    ORDER BY m.message_id
    """
)
DOWNWARDS: Statement = (
    "SELECT"
    + MESSAGE_COLUMNS
    + """
    FROM {sessions} s
    JOIN {agents} a USING (session_key)
    LEFT JOIN LATERAL (
        SELECT *
        FROM {messages}
        WHERE session_key = a.session_key AND agent_id = a.agent_id AND message_id <= %(from_message_id)s
          AND message_id > least(%(from_message_id)s, a.message_count - 1)::bigint
                           - coalesce(%(limit)s::bigint, a.message_count)
        ORDER BY message_id DESC
        LIMIT %(limit)s
    ) m ON true
    WHERE s.owner = %(owner)s AND s.session_id = %(session_id)s AND a.agent_id = %(agent_id)s
    ORDER BY m.message_id DESC
    """
)
