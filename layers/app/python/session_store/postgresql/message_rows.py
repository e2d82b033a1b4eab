"""What of a message's row is read, and the statements that read an agent's messages in order."""

import json
from collections.abc import Mapping, Sequence

from session_store.connection import Row, Statement
from session_store.records import MessagePage, MessageRecord, OmittedMessage

MESSAGE_COLUMNS: Statement = " m.message_id, m.message::text, m.redact_message::text, m.created_at, m.updated_at"


def parse_page(rows: Sequence[Row]) -> MessagePage:
    """See read_messages_v2."""
    next_id, _, omitted, *_ = rows[-1]
    records = list(map(MessageRecord._make, rows[:-1]))
    return MessagePage(_omit(records, json.loads(omitted)) if omitted else records, next_id)


def _omit(records: Sequence[MessageRecord], sizes: Mapping[str, int]) -> list[MessageRecord | OmittedMessage]:
    messages: list[MessageRecord | OmittedMessage] = list(records)
    for position, (message_id, _, redact_message, *timestamps) in enumerate(records):
        if size := sizes.get(str(message_id)):
            messages[position] = OmittedMessage(message_id, size, redact_message is not None, *timestamps)
    return messages


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
