-- A begin leaves the time of the session's last write as it is. What was sent before the begin comes late all the same.

-- What delete_session_v2 does, unless it was sent before the run that holds the session, or held it last, began.
CREATE FUNCTION delete_session_v3(
    in_owner text, in_session_id text, in_sent_at double precision, in_max_rows bigint,
    OUT state text, OUT database_time double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    sent_at  timestamptz := to_timestamp(in_sent_at);
    begun_at timestamptz;
BEGIN
    PERFORM FROM sessions s WHERE s.owner = in_owner AND s.session_id = in_session_id FOR UPDATE;
    SELECT r.started_at INTO begun_at
    FROM sessions s JOIN runs r ON r.run_id = s.run_id
    WHERE s.owner = in_owner AND s.session_id = in_session_id;
    IF sent_at < begun_at AND NOT is_begin_revoked_v1(in_owner, in_session_id, NULL, sent_at) THEN
        state := 'written';
        database_time := extract(epoch FROM clock_timestamp());
    ELSE
        SELECT d.state, d.database_time INTO state, database_time
        FROM delete_session_v2(in_owner, in_session_id, in_sent_at, in_max_rows) AS d;
    END IF;
END
$$;

-- What delete_agent_v1 does, unless it was sent before the lease of a run that died ran out.
CREATE FUNCTION delete_agent_v2(
    in_owner text, in_session_id text, in_agent_id text, in_deletion_id uuid, in_sent_at double precision,
    in_max_rows bigint,
    OUT state text, OUT database_time double precision, OUT holder text, OUT seconds_left double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held_until timestamptz;
BEGIN
    SELECT s.lease_until INTO held_until
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id
    FOR UPDATE;
    IF to_timestamp(in_sent_at) < held_until AND NOT is_leased_v1(held_until) THEN
        state := 'written';
        database_time := extract(epoch FROM clock_timestamp());
    ELSE
        SELECT d.state, d.database_time, d.holder, d.seconds_left INTO state, database_time, holder, seconds_left
        FROM delete_agent_v1(in_owner, in_session_id, in_agent_id, in_deletion_id, in_sent_at, in_max_rows) AS d;
    END IF;
END
$$;
