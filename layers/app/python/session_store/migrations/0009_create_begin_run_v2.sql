-- Begins a run in one round trip: claims the lease, and reads what the agent needs.
--
-- A function, because each of its statements sees what was committed when it starts. A single SQL statement that waits
-- for the session's row re-checks the lease on the new row, but reads the messages from its older snapshot: it would
-- begin on a history that lacks the turn it waited for.
--
-- The first row is the decision (see claim_lease_v1), and after 'leased' the session and its agent, if that exists. Each
-- further row is one of the messages that the agent's conversation manager still holds, oldest first. A column that does
-- not belong to its row is null.
CREATE FUNCTION begin_run_v2(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease_seconds double precision,
    in_idempotency_key text, in_request_hash text
)
RETURNS TABLE (
    decision text, holder uuid, seconds_left double precision,
    fence bigint, session_type text, session_created_at text, session_updated_at text, preview text,
    agent_id text, state text, conversation_manager_state text, internal_state text,
    agent_created_at text, agent_updated_at text, removed_message_count bigint, message_count bigint,
    message_id bigint, message text, redact_message text, created_at text, updated_at text
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held uuid;
BEGIN
    SELECT c.decision, c.holder, c.seconds_left, c.session_key INTO decision, holder, seconds_left, held
    FROM claim_lease_v1(in_owner, in_session_id, in_agent_id, in_run_id, in_lease_seconds, in_idempotency_key,
                        in_request_hash) AS c;
    IF decision <> 'leased' THEN
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT s.fence, s.session_type, iso_timestamp_v1(s.created_at), iso_timestamp_v1(s.updated_at), s.preview,
           a.agent_id, a.state, a.conversation_manager_state, a.internal_state,
           a.created_at, a.updated_at, a.removed_message_count, a.message_count
    INTO fence, session_type, session_created_at, session_updated_at, preview,
         agent_id, state, conversation_manager_state, internal_state,
         agent_created_at, agent_updated_at, removed_message_count, message_count
    FROM sessions s LEFT JOIN agents a ON a.session_key = s.session_key AND a.agent_id = in_agent_id
    WHERE s.session_key = held;
    RETURN NEXT;

    RETURN QUERY
        SELECT NULL::text, NULL::uuid, NULL::double precision,
               NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::text,
               NULL::text, NULL::text, NULL::text, NULL::text,
               NULL::text, NULL::text, NULL::bigint, NULL::bigint,
               m.message_id, m.message::text, m.redact_message::text, m.created_at, m.updated_at
        FROM messages m
        WHERE m.session_key = held AND m.agent_id = in_agent_id
          AND m.message_id >= begin_run_v2.removed_message_count
        ORDER BY m.message_id;
END
$$;
