-- What begin_run_v4 does, for less where nothing stands against it: a session that is free or new, a run without
-- idempotency key and without budget. All else goes on to begin_run_v4, which decides about the session as it was,
-- but for the time of its last activity.
--
-- The lease is taken by the unique key itself, so no plan chooses how the row is found. It lasts from when the row is
-- locked: the INSERT may have waited for that.
CREATE FUNCTION begin_run_v5(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease_seconds double precision,
    in_idempotency_key text, in_request_hash text, in_sent_at double precision, in_valid_seconds double precision,
    in_if_busy text, in_runs_per_minute bigint, in_tokens_per_day bigint
)
RETURNS TABLE (
    answer text[], snapshots text[],
    message_id bigint, message text, redact_message text, created_at text, updated_at text
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held     record;
    is_taken boolean := false;
    known    record;
    sent_at  timestamptz := to_timestamp(in_sent_at);
    room     bigint := 100000;
BEGIN
    -- With abandon_run_v1 and the run's other begins, one after another. An IF, which takes less than a statement.
    IF pg_advisory_xact_lock(hashtextextended(in_run_id::text, 0)) IS NULL THEN
    END IF;

    IF in_idempotency_key IS NULL AND in_runs_per_minute IS NULL AND in_tokens_per_day IS NULL THEN
        INSERT INTO sessions AS s (owner, session_id, run_id, lease_until, fence)
        VALUES (in_owner, in_session_id, in_run_id, clock_timestamp() + make_interval(secs => in_lease_seconds), 1)
        ON CONFLICT (owner, session_id) DO UPDATE
        SET run_id = EXCLUDED.run_id, lease_until = clock_timestamp() + make_interval(secs => in_lease_seconds),
            fence = s.fence + 1, updated_at = clock_timestamp()
        WHERE s.run_id IS NULL
        RETURNING s.session_key, s.fence, s.session_type, s.created_at, s.updated_at, s.preview, s.xmax = 0 AS is_new
        INTO held;
        is_taken := FOUND;
    END IF;
    IF NOT is_taken THEN
        RETURN QUERY
            SELECT * FROM begin_run_v4(in_owner, in_session_id, in_agent_id, in_run_id, in_lease_seconds,
                                       in_idempotency_key, in_request_hash, in_sent_at, in_valid_seconds, in_if_busy,
                                       in_runs_per_minute, in_tokens_per_day);
        RETURN;
    END IF;

    -- Nothing below waits for anybody, so what is in time now has its caller still.
    SELECT a.agent_id, a.state::text, a.conversation_manager_state::text, a.internal_state::text,
           a.created_at, a.updated_at, a.removed_message_count, a.message_count,
           EXISTS (SELECT FROM deleted_sessions d
                   WHERE d.owner = in_owner AND d.session_id = in_session_id AND d.deleted_at >= sent_at)
           OR EXISTS (SELECT FROM abandoned_runs r
                      WHERE r.run_id = in_run_id AND r.owner = in_owner AND r.abandoned_at >= sent_at) AS is_revoked,
           EXISTS (SELECT FROM waiting_runs w WHERE w.session_key = held.session_key)
           OR EXISTS (SELECT FROM runs r WHERE r.run_id = in_run_id) AS is_refused,
           EXISTS (SELECT FROM stored_values v
                   WHERE v.owner = in_owner AND v.key >= 'session/' || in_session_id || '/scopes/'
                     AND v.key < 'session/' || in_session_id || '/scopes0') AS has_snapshots
    INTO known
    FROM (VALUES (true)) AS always LEFT JOIN agents a ON a.session_key = held.session_key AND a.agent_id = in_agent_id;

    IF known.is_revoked OR clock_timestamp() NOT BETWEEN sent_at - interval '0.1 s'
                                                     AND sent_at + make_interval(secs => least(in_valid_seconds, 60))
    THEN
        RAISE EXCEPTION 'this begin came too late'
            USING ERRCODE = 'check_violation', DETAIL = extract(epoch FROM clock_timestamp())::text;
    END IF;
    IF known.is_refused THEN
        UPDATE sessions s SET run_id = NULL, lease_until = NULL, fence = s.fence - 1
        WHERE s.session_key = held.session_key;
        RETURN QUERY
            SELECT * FROM begin_run_v4(in_owner, in_session_id, in_agent_id, in_run_id, in_lease_seconds,
                                       in_idempotency_key, in_request_hash, in_sent_at, in_valid_seconds, in_if_busy,
                                       in_runs_per_minute, in_tokens_per_day);
        DELETE FROM sessions s WHERE held.is_new AND s.session_key = held.session_key AND s.run_id IS NULL;
        RETURN;
    END IF;

    INSERT INTO runs (run_id, owner, session_key, agent_id, fence, request_hash)
    VALUES (in_run_id, in_owner, held.session_key, in_agent_id, held.fence, in_request_hash);

    snapshots := CASE WHEN known.has_snapshots THEN read_snapshots_v1(in_owner, in_session_id, in_agent_id)
                      ELSE ARRAY[]::text[] END;
    room := room - octet_length(known.state) - octet_length(known.conversation_manager_state)
            - octet_length(known.internal_state);
    answer := ARRAY[
        'leased', NULL, NULL, NULL, NULL, NULL, held.fence::text, held.session_type, iso_timestamp_v1(held.created_at),
        iso_timestamp_v1(held.updated_at), held.preview, known.agent_id,
        CASE WHEN room >= 0 THEN known.state END,
        CASE WHEN room >= 0 THEN known.conversation_manager_state END,
        CASE WHEN room >= 0 THEN known.internal_state END,
        known.created_at, known.updated_at, known.removed_message_count::text, known.message_count::text
    ];
    RETURN NEXT;
    IF room >= 0 THEN
        RETURN QUERY
            SELECT NULL::text[], NULL::text[], w.message_id, w.message, w.redact_message, w.created_at, w.updated_at
            FROM (SELECT m.message_id, m.message::text, m.redact_message::text, m.created_at, m.updated_at,
                         sum(octet_length(m.message::text) + coalesce(octet_length(m.redact_message::text), 0))
                             OVER (ORDER BY m.message_id ROWS UNBOUNDED PRECEDING) AS size_so_far
                  FROM messages m
                  WHERE m.session_key = held.session_key AND m.agent_id = in_agent_id
                    -- No more of them fit, so of a long history the rest is not read to be left out.
                    AND m.message_id >= known.removed_message_count
                    AND m.message_id < known.removed_message_count + 1000) AS w
            WHERE w.size_so_far <= room;
    END IF;
END
$$;
