-- Begins a run in one round trip: claims the lease, and reads what the agent needs.
--
-- A function, because each of its statements sees what was committed when it starts. A single SQL statement that waits
-- for the session's row re-checks the lease on the new row, but reads the messages from its older snapshot: it would
-- begin on a history that lacks the turn it waited for.
--
-- The first row is the decision (see claim_lease_v2), and after 'leased' the session and its agent, if that exists. Each
-- further row is one of the messages that the agent's conversation manager still holds, oldest first. A column that does
-- not belong to its row is null.
--
-- The lease is committed once the answer has been handed to the network, and until then nobody else is answered about
-- this session. So the answer is no larger than what a connection's buffers hold where its client does not read: of a
-- larger agent its states are left out, and of larger messages the rest. Under the lease they stay as they are.
CREATE FUNCTION begin_run_v3(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease_seconds double precision,
    in_idempotency_key text, in_request_hash text, in_sent_at double precision, in_valid_seconds double precision,
    in_if_busy text, in_runs_per_minute bigint, in_tokens_per_day bigint
)
RETURNS TABLE (
    decision text, holder uuid, seconds_left double precision,
    fence bigint, session_type text, session_created_at text, session_updated_at text, preview text,
    agent_id text, state text, conversation_manager_state text, internal_state text,
    agent_created_at text, agent_updated_at text, removed_message_count bigint, message_count bigint,
    message_id bigint, message text, redact_message text, created_at text, updated_at text,
    queue_position bigint, runs_left bigint, tokens_left bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held         uuid;
    window_start bigint;
    room         bigint := 100000;
BEGIN
    SELECT c.decision, c.holder, c.seconds_left, c.session_key, c.queue_position, c.runs_left, c.tokens_left
    INTO decision, holder, seconds_left, held, queue_position, runs_left, tokens_left
    FROM claim_lease_v2(in_owner, in_session_id, in_agent_id, in_run_id, in_lease_seconds, in_idempotency_key,
                        in_request_hash, in_sent_at, in_valid_seconds, in_if_busy, in_runs_per_minute,
                        in_tokens_per_day) AS c;
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
    room := room - octet_length(state) - octet_length(conversation_manager_state) - octet_length(internal_state);
    IF room < 0 THEN
        state := NULL;
        conversation_manager_state := NULL;
        internal_state := NULL;
    END IF;
    RETURN NEXT;
    IF agent_id IS NULL OR room < 0 THEN
        RETURN;
    END IF;

    window_start := removed_message_count;
    SELECT INTO decision, fence, session_type, session_created_at, session_updated_at, preview,
                agent_id, state, conversation_manager_state, internal_state,
                agent_created_at, agent_updated_at, removed_message_count, message_count;
    FOR message_id, message, redact_message, created_at, updated_at IN
        SELECT m.message_id, m.message, m.redact_message, m.created_at, m.updated_at
        FROM messages m
        WHERE m.session_key = held AND m.agent_id = in_agent_id AND m.message_id >= window_start
        ORDER BY m.message_id
    LOOP
        room := room - octet_length(message) - coalesce(octet_length(redact_message), 0);
        EXIT WHEN room < 0;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Gives up a run of which its client does not know whether it has begun: what it holds is free, and a begin of it that
-- was sent before in_sent_at, as for claim_lease_v2, begins nothing any more.
CREATE FUNCTION abandon_run_v1(in_owner text, in_run_id uuid, in_sent_at double precision)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    sent_at timestamptz := least(to_timestamp(in_sent_at), clock_timestamp());
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(in_run_id::text, 0));
    PERFORM note_abandoned_run_v1(in_owner, in_run_id, sent_at);
    UPDATE sessions s
    SET run_id = NULL, lease_until = NULL, updated_at = clock_timestamp()
    FROM runs r
    WHERE r.run_id = in_run_id AND r.owner = in_owner AND r.started_at <= sent_at
      AND s.session_key = r.session_key AND s.run_id = r.run_id;
    UPDATE runs r
    SET status = 'failed', finished_at = clock_timestamp()
    WHERE r.run_id = in_run_id AND r.owner = in_owner AND r.started_at <= sent_at AND r.status = 'running';
END
$$;
