-- When a session's title or metadata was changed last. updated_at is when a run wrote it, and orders lists.
ALTER TABLE sessions ADD COLUMN described_at timestamptz;

-- Whether a request is no longer what its client means: it was sent before in_since, the last change that somebody was
-- answered; or it comes when nobody waits for it any more, in_valid_seconds after it was sent, a minute at most. Or it is
-- from the future: its client's clock is ahead.
CREATE FUNCTION is_late_v1(in_sent_at double precision, in_valid_seconds double precision, in_since timestamptz)
RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT to_timestamp(in_sent_at) < in_since
        OR clock_timestamp() NOT BETWEEN to_timestamp(in_sent_at) - interval '0.1 s'
                                     AND to_timestamp(in_sent_at) + make_interval(secs => least(in_valid_seconds, 60))
$$;

-- What update_session_v1 does, unless it comes late; see is_late_v1. decision: its own, or late.
CREATE FUNCTION update_session_v2(
    in_owner text, in_session_id text, in_title text, in_metadata_patch jsonb, in_max_bytes integer,
    in_language regconfig, in_sent_at double precision, in_valid_seconds double precision,
    OUT decision text, OUT database_time double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    last_change timestamptz;
BEGIN
    SELECT greatest(s.updated_at, s.described_at) INTO last_change
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id
    FOR UPDATE;
    database_time := extract(epoch FROM clock_timestamp());
    IF is_late_v1(in_sent_at, in_valid_seconds, last_change) THEN
        decision := 'late';
        RETURN;
    END IF;
    decision := update_session_v1(in_owner, in_session_id, in_title, in_metadata_patch, in_max_bytes, in_language);
    UPDATE sessions s SET described_at = clock_timestamp()
    WHERE s.owner = in_owner AND s.session_id = in_session_id AND decision = 'updated';
END
$$;

-- What fork_session_v1 does, unless it comes late; see is_late_v1. A fork that was deleted since it was asked for does
-- not come back. decision: its own, or late; forked_before where an earlier try has made the fork, and this one is late.
CREATE FUNCTION fork_session_v2(
    in_owner text, in_session_id text, in_fork_id text, in_agent_id text, in_message_id bigint, in_language regconfig,
    in_sent_at double precision, in_valid_seconds double precision,
    OUT decision text, OUT state_message_id bigint, OUT holder text, OUT seconds_left double precision,
    OUT database_time double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held record;
BEGIN
    SELECT s.session_key, s.updated_at INTO held
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id
    FOR UPDATE;
    database_time := extract(epoch FROM clock_timestamp());
    IF is_late_v1(in_sent_at, in_valid_seconds, held.updated_at)
       OR is_begin_revoked_v1(in_owner, in_fork_id, NULL, to_timestamp(in_sent_at)) THEN
        decision := CASE WHEN EXISTS (SELECT FROM sessions f
                                      WHERE f.owner = in_owner AND f.session_id = in_fork_id
                                        AND f.origin_key = held.session_key)
                         THEN 'forked_before' ELSE 'late' END;
        RETURN;
    END IF;
    SELECT f.decision, f.state_message_id, f.holder, f.seconds_left
    INTO decision, state_message_id, holder, seconds_left
    FROM fork_session_v1(in_owner, in_session_id, in_fork_id, in_agent_id, in_message_id, in_language) AS f;
END
$$;
