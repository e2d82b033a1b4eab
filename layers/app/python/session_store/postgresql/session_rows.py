"""What of a session's row everybody reads, and which sessions a list shows."""

from session_store.connection import Statement

# An aggregate: of an EXISTS the planner may make a hash of all rows.
_IS_EMPTY: Statement = """
    (s.error_code IS NOT NULL AND NOT {is_leased_v1}(s.lease_until)
     AND coalesce((SELECT max(a.message_count) FROM {agents} a WHERE a.session_key = s.session_key), 0) = 0)
"""

SESSION_COLUMNS: Statement = (
    """
    s.session_id, s.session_type, {iso_timestamp_v1}(s.created_at), {iso_timestamp_v1}(s.updated_at),
    (SELECT coalesce(sum(a.message_count), 0)::bigint FROM {agents} a WHERE a.session_key = s.session_key), s.preview,
    s.title, coalesce(s.metadata::text, '{{}}'),
    CASE WHEN """
    + _IS_EMPTY
    + """ THEN s.error_code END,
    (SELECT o.session_id FROM {sessions} o WHERE o.session_key = s.origin_key AND o.owner = s.owner),
    s.origin_message_id, {iso_timestamp_v1}(s.removed_at)
    """
)

IS_LISTED: Statement = " (s.removed_at >= s.updated_at) IS NOT TRUE AND (%(include_empty)s OR NOT " + _IS_EMPTY + ") "

# Of what creates a session outside of a run: it was sent before the session was deleted, or comes from the future.
IS_LATE_CREATION: Statement = """
    ({is_begin_revoked_v1}(%(owner)s, %(session_id)s, NULL, to_timestamp(%(sent_at)s::float8))
     OR to_timestamp(%(sent_at)s::float8) >= clock_timestamp() + interval '0.1 s')
"""
