"""What of a message's row is read, and the statements that read an agent's messages in order."""

from collections.abc import Callable, Sequence
from functools import partial

from session_store.connection import Row, Statement
from session_store.records import MessageRecord, OmittedMessage

# `MessageRecord(*row)` is Python of the standard library's own, and takes twice as long.
_make_record: Callable[[Row], MessageRecord] = partial(tuple.__new__, MessageRecord)
MESSAGE_COLUMNS: Statement = " m.message_id, m.message::text, m.redact_message::text, m.created_at, m.updated_at"


def parse_messages(rows: Sequence[Row]) -> list[MessageRecord | OmittedMessage]:
    """See read_messages_v1."""
    return [_make_record(row[:5]) if row[5] is None else _parse_omitted(*row) for row in rows]


def _parse_omitted(
    message_id: int, _: None, redact_message: str | None, created_at: str, updated_at: str, omitted_bytes: int
) -> OmittedMessage:
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
