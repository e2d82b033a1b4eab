-- What 0013 creates, for the tables that have come since: a run has stored events, a session stored values; and one agent
-- is deleted piece by piece, too.

-- Deletes so many messages of an agent at most, the newest first, and the agent once it has none. The caller has locked
-- the session's row.
--
-- From the newest down, and the agent's count with them, so that each call finds its rows at once instead of passing over
-- those that the calls before it have deleted.
CREATE FUNCTION sweep_agent_v1(
    in_session_key uuid, in_agent_id text, in_max_rows bigint, OUT is_gone boolean, OUT rows_deleted bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    end_id   bigint := (SELECT a.message_count FROM agents a
                        WHERE a.session_key = in_session_key AND a.agent_id = in_agent_id);
    first_id bigint := greatest(end_id - in_max_rows, 0);
BEGIN
    DELETE FROM messages m
    WHERE m.session_key = in_session_key AND m.agent_id = in_agent_id
      AND m.message_id >= first_id AND m.message_id < end_id;
    GET DIAGNOSTICS rows_deleted = ROW_COUNT;
    is_gone := first_id = 0;
    IF is_gone THEN
        DELETE FROM agents a WHERE a.session_key = in_session_key AND a.agent_id = in_agent_id;
    ELSE
        -- A count that is far above the messages must not be walked down step by step.
        UPDATE agents a
        SET message_count = CASE WHEN rows_deleted > 0 THEN first_id ELSE coalesce(
            (SELECT max(m.message_id) + 1 FROM messages m
             WHERE m.session_key = in_session_key AND m.agent_id = in_agent_id), 0) END
        WHERE a.session_key = in_session_key AND a.agent_id = in_agent_id;
    END IF;
    rows_deleted := rows_deleted + 1;
END
$$;

-- Deletes these runs with what is stored of their streams, or at most so many rows of that.
CREATE FUNCTION sweep_runs_v1(in_run_ids uuid[], in_max_rows bigint, OUT runs_deleted bigint, OUT rows_deleted bigint)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    DELETE FROM run_events e
    USING (SELECT o.run_id, o.last_number FROM run_events o WHERE o.run_id = ANY (in_run_ids) LIMIT in_max_rows) AS old
    WHERE e.run_id = old.run_id AND e.last_number = old.last_number;
    GET DIAGNOSTICS rows_deleted = ROW_COUNT;
    runs_deleted := 0;
    IF rows_deleted < in_max_rows THEN
        DELETE FROM runs r WHERE r.run_id = ANY (in_run_ids[:in_max_rows - rows_deleted]);
        GET DIAGNOSTICS runs_deleted = ROW_COUNT;
        rows_deleted := rows_deleted + runs_deleted;
    END IF;
END
$$;

-- Deletes a session, or of a large one at most so many rows. The caller has locked the session's row.
--
-- state: 'gone'; 'hidden' when messages or agents are left, which no owner and no run can reach any more; 'visible' when
-- runs or stored values are left: they name their owner themselves, so a session is hidden once it has none.
--
-- A hidden session has the owner '', whom no caller can be, and the id that nobody can have chosen for it; its place is
-- free at once. It is older than every other, so whoever deletes by age begins with it.
CREATE FUNCTION sweep_session_v2(
    in_session_key uuid, in_max_rows bigint, OUT state text, OUT rows_deleted bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    -- A chunk of a value has up to a megabyte, which is kept in so many rows.
    rows_of_chunk CONSTANT bigint := 500;
    each                   text;
    swept                  record;
    row_count              bigint;
BEGIN
    state := 'visible';
    SELECT w.rows_deleted INTO rows_deleted
    FROM sweep_runs_v1(ARRAY(SELECT r.run_id FROM runs r WHERE r.session_key = in_session_key LIMIT in_max_rows),
                       in_max_rows) AS w;
    IF rows_deleted >= in_max_rows THEN
        RETURN;
    END IF;
    DELETE FROM stored_values v
    USING (SELECT o.owner, o.key, o.chunk_number FROM stored_values o WHERE o.session_key = in_session_key
           LIMIT greatest((in_max_rows - rows_deleted) / rows_of_chunk, 1)) AS old
    WHERE v.owner = old.owner AND v.key = old.key AND v.chunk_number = old.chunk_number;
    GET DIAGNOSTICS row_count = ROW_COUNT;
    rows_deleted := rows_deleted + row_count * rows_of_chunk;
    IF rows_deleted >= in_max_rows THEN
        RETURN;
    END IF;

    state := 'hidden';
    FOR each IN SELECT a.agent_id FROM agents a WHERE a.session_key = in_session_key LOOP
        SELECT * INTO swept FROM sweep_agent_v1(in_session_key, each, in_max_rows - rows_deleted);
        rows_deleted := rows_deleted + swept.rows_deleted;
        EXIT WHEN NOT swept.is_gone OR rows_deleted >= in_max_rows;
    END LOOP;

    IF NOT EXISTS (SELECT FROM agents a WHERE a.session_key = in_session_key) THEN
        DELETE FROM multi_agents
        WHERE session_key = in_session_key AND multi_agent_id = ANY (ARRAY(
            SELECT m.multi_agent_id FROM multi_agents m WHERE m.session_key = in_session_key
            LIMIT greatest(in_max_rows - rows_deleted, 1)
        ));
        GET DIAGNOSTICS row_count = ROW_COUNT;
        rows_deleted := rows_deleted + row_count;
        IF NOT EXISTS (SELECT FROM multi_agents m WHERE m.session_key = in_session_key) THEN
            DELETE FROM sessions WHERE session_key = in_session_key;
            rows_deleted := rows_deleted + 1;
            state := 'gone';
            RETURN;
        END IF;
    END IF;

    DELETE FROM session_index i WHERE i.session_key = in_session_key;
    UPDATE sessions
    SET owner = '', session_id = session_key::text, updated_at = '-infinity', preview = '', title = NULL,
        metadata = NULL, error_code = NULL, removed_at = NULL, run_id = NULL, lease_until = NULL
    WHERE session_key = in_session_key AND owner <> '';
END
$$;

-- Deletes of these sessions those that are due, with at most so many rows: how many sessions are gone, how many rows.
--
-- Due: hidden by a deletion; or without activity for in_age_seconds, unless that is null, and held by no run. One that
-- another client has locked is left out; what else is locked is not waited for long, since the others wait behind it.
CREATE FUNCTION expire_sessions_v2(
    in_session_keys uuid[], in_age_seconds double precision, in_max_rows bigint,
    OUT sessions_deleted bigint, OUT rows_deleted bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
SET lock_timeout = '500ms'
AS $$
DECLARE
    held  uuid;
    swept record;
BEGIN
    sessions_deleted := 0;
    rows_deleted := 0;
    FOR held IN
        SELECT s.session_key
        FROM sessions s
        WHERE s.session_key = ANY (in_session_keys) AND NOT is_leased_v1(s.lease_until)
          AND s.updated_at <= coalesce(statement_timestamp() - make_interval(secs => in_age_seconds), '-infinity')
        FOR UPDATE SKIP LOCKED
    LOOP
        EXIT WHEN rows_deleted >= in_max_rows;
        SELECT * INTO swept FROM sweep_session_v2(held, in_max_rows - rows_deleted);
        rows_deleted := rows_deleted + swept.rows_deleted;
        sessions_deleted := sessions_deleted + (swept.state = 'gone')::int;
    END LOOP;
END
$$;

-- Deletes of these runs those that began so long ago and do not run, with at most so many rows: how many runs are gone,
-- how many rows.
CREATE FUNCTION expire_runs_v2(
    in_run_ids uuid[], in_age_seconds double precision, in_max_rows bigint,
    OUT runs_deleted bigint, OUT rows_deleted bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
SET lock_timeout = '500ms'
AS $$
BEGIN
    SELECT w.runs_deleted, w.rows_deleted INTO runs_deleted, rows_deleted
    FROM sweep_runs_v1(ARRAY(
        SELECT r.run_id
        FROM runs r JOIN sessions s USING (session_key)
        WHERE r.run_id = ANY (in_run_ids)
          AND r.started_at < statement_timestamp() - make_interval(secs => in_age_seconds)
          AND (s.run_id = r.run_id AND is_leased_v1(s.lease_until)) IS NOT TRUE
        FOR UPDATE OF r SKIP LOCKED
    ), in_max_rows) AS w;
END
$$;

-- Deletes a session, at once or by hiding it: the state is that of sweep_session_v2, or 'missing', or 'written' if it was
-- written since the request was sent, by the database's clock. Then, as with one that was created again under the same
-- id, the request comes too late, or another client was faster: nothing is deleted.
CREATE FUNCTION delete_session_v2(
    in_owner text, in_session_id text, in_sent_at double precision, in_max_rows bigint,
    OUT state text, OUT database_time double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    sent_at timestamptz := to_timestamp(in_sent_at);
    held    record;
BEGIN
    SELECT s.session_key, s.updated_at INTO held
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id
    FOR UPDATE;
    database_time := extract(epoch FROM clock_timestamp());
    IF NOT FOUND OR is_begin_revoked_v1(in_owner, in_session_id, NULL, sent_at) THEN
        state := 'missing';
    ELSIF sent_at BETWEEN held.updated_at AND clock_timestamp() + interval '0.1 s' THEN
        SELECT swept.state INTO state FROM sweep_session_v2(held.session_key, in_max_rows) AS swept;
    ELSE
        state := 'written';
    END IF;
END
$$;

-- Deletes one agent, or of a large one so many messages at most; then the deletion, as in_deletion_id, holds the session
-- as a run does, so that nobody goes on with what is left until it goes on itself, or is given up.
--
-- state: 'gone'; 'going' when messages are left; 'session_missing', 'agent_missing'; 'busy' while another holds the
-- session; 'written' if the session was written since the request was sent.
CREATE FUNCTION delete_agent_v1(
    in_owner text, in_session_id text, in_agent_id text, in_deletion_id uuid, in_sent_at double precision,
    in_max_rows bigint,
    OUT state text, OUT database_time double precision, OUT holder text, OUT seconds_left double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held    record;
    is_own  boolean;
    is_gone boolean := true;
BEGIN
    SELECT s.session_key, s.run_id, s.lease_until, s.updated_at INTO held
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id
    FOR UPDATE;
    database_time := extract(epoch FROM clock_timestamp());
    is_own := held.run_id IS NOT DISTINCT FROM in_deletion_id AND is_leased_v1(held.lease_until);
    IF held.session_key IS NULL THEN
        state := 'session_missing';
    ELSIF is_leased_v1(held.lease_until) AND NOT is_own THEN
        state := 'busy';
        holder := held.run_id::text;
        seconds_left := extract(epoch FROM held.lease_until - clock_timestamp());
    ELSIF NOT EXISTS (SELECT FROM agents a WHERE a.session_key = held.session_key AND a.agent_id = in_agent_id) THEN
        state := 'agent_missing';
    ELSIF NOT is_own
          AND to_timestamp(in_sent_at) NOT BETWEEN held.updated_at AND clock_timestamp() + interval '0.1 s' THEN
        state := 'written';
    ELSE
        SELECT w.is_gone INTO is_gone FROM sweep_agent_v1(held.session_key, in_agent_id, in_max_rows) AS w;
        state := CASE WHEN is_gone THEN 'gone' ELSE 'going' END;
    END IF;
    IF state IN ('gone', 'going') THEN
        UPDATE sessions s
        SET run_id = CASE WHEN NOT is_gone THEN in_deletion_id END,
            lease_until = CASE WHEN NOT is_gone THEN clock_timestamp() + interval '5 s' END,
            updated_at = clock_timestamp()
        WHERE s.session_key = held.session_key;
    END IF;
END
$$;

-- In no release.
DROP FUNCTION begin_run_v3(
    text, text, text, uuid, double precision, text, text, double precision, double precision, text, bigint, bigint
);
DROP FUNCTION claim_lease_v2(
    text, text, text, uuid, double precision, text, text, double precision, double precision, text, bigint, bigint
);
DROP FUNCTION append_run_events_v1(text, text, uuid, bigint, bigint, json);
DROP FUNCTION read_run_events_v1(text, uuid, bigint, bigint);
DROP FUNCTION delete_session_v1(text, text, double precision, bigint);
DROP FUNCTION expire_sessions_v1(uuid[], double precision, bigint);
DROP FUNCTION expire_runs_v1(uuid[], double precision);
DROP FUNCTION sweep_session_v1(uuid, bigint);
