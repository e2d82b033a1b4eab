-- Deletes a session, or of a large one at most so many rows. The caller has locked the session's row.
--
-- state: 'gone'; 'hidden' when messages or agents are left, which no owner and no run can reach any more; 'visible' when
-- there are more runs than that: a run names its owner itself, so a session is hidden once it has none.
--
-- A hidden session has the owner '', whom no caller can be, and the id that nobody can have chosen for it; its place is
-- free at once. It is older than every other, so whoever deletes by age begins with it.
--
-- Messages go from the newest down, and the agent's count with them, so that each call finds its rows at once instead of
-- passing over the ones that the calls before it have deleted.
CREATE FUNCTION sweep_session_v1(
    in_session_key uuid, in_max_rows bigint, OUT state text, OUT rows_deleted bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    subject   record;
    first_id  bigint;
    row_count bigint;
BEGIN
    DELETE FROM runs
    WHERE run_id = ANY (ARRAY(SELECT r.run_id FROM runs r WHERE r.session_key = in_session_key LIMIT in_max_rows));
    GET DIAGNOSTICS rows_deleted = ROW_COUNT;
    state := 'visible';
    IF rows_deleted >= in_max_rows THEN
        RETURN;
    END IF;

    state := 'hidden';
    FOR subject IN SELECT a.agent_id, a.message_count FROM agents a WHERE a.session_key = in_session_key LOOP
        first_id := greatest(subject.message_count - (in_max_rows - rows_deleted), 0);
        DELETE FROM messages m
        WHERE m.session_key = in_session_key AND m.agent_id = subject.agent_id
          AND m.message_id >= first_id AND m.message_id < subject.message_count;
        GET DIAGNOSTICS row_count = ROW_COUNT;
        rows_deleted := rows_deleted + row_count;
        IF first_id > 0 THEN
            -- A count that is far above the messages must not be walked down step by step.
            UPDATE agents a
            SET message_count = CASE WHEN row_count > 0 THEN first_id ELSE coalesce(
                (SELECT max(m.message_id) + 1 FROM messages m
                 WHERE m.session_key = in_session_key AND m.agent_id = subject.agent_id), 0) END
            WHERE a.session_key = in_session_key AND a.agent_id = subject.agent_id;
            rows_deleted := greatest(rows_deleted, 1);
            EXIT;
        END IF;
        DELETE FROM agents a WHERE a.session_key = in_session_key AND a.agent_id = subject.agent_id;
        rows_deleted := rows_deleted + 1;
        EXIT WHEN rows_deleted >= in_max_rows;
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

    UPDATE sessions
    SET owner = '', session_id = session_key::text, updated_at = '-infinity', preview = '',
        run_id = NULL, lease_until = NULL
    WHERE session_key = in_session_key AND owner <> '';
END
$$;

-- Deletes of these sessions those that are due, with at most so many rows: how many sessions are gone, how many rows.
--
-- Due: hidden by a deletion; or without activity for in_age_seconds, unless that is null, and held by no run. One that
-- another client has locked is left out; what else is locked is not waited for long, since the others wait behind it.
CREATE FUNCTION expire_sessions_v1(
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
        SELECT * INTO swept FROM sweep_session_v1(held, in_max_rows - rows_deleted);
        rows_deleted := rows_deleted + swept.rows_deleted;
        sessions_deleted := sessions_deleted + (swept.state = 'gone')::int;
    END LOOP;
END
$$;

-- Deletes of these runs those that began so long ago and do not run: how many.
CREATE FUNCTION expire_runs_v1(in_run_ids uuid[], in_age_seconds double precision, OUT runs_deleted bigint)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
SET lock_timeout = '500ms'
AS $$
BEGIN
    DELETE FROM runs
    WHERE run_id = ANY (ARRAY(
        SELECT r.run_id
        FROM runs r JOIN sessions s USING (session_key)
        WHERE r.run_id = ANY (in_run_ids)
          AND r.started_at < statement_timestamp() - make_interval(secs => in_age_seconds)
          AND (s.run_id = r.run_id AND is_leased_v1(s.lease_until)) IS NOT TRUE
        FOR UPDATE OF r SKIP LOCKED
    ));
    GET DIAGNOSTICS runs_deleted = ROW_COUNT;
END
$$;

-- Deletes a session, at once or by hiding it: the state is that of sweep_session_v1, or 'missing', or 'written' if it was
-- written since the request was sent, by the database's clock. Then, as with one that was created again under the same
-- id, the request comes too late, or another client was faster: nothing is deleted.
CREATE FUNCTION delete_session_v1(
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
        SELECT swept.state INTO state FROM sweep_session_v1(held.session_key, in_max_rows) AS swept;
    ELSE
        state := 'written';
    END IF;
END
$$;

-- A session that was hidden is deleted: a begin that was sent before must not create it again.
CREATE FUNCTION note_hidden_session_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER -- as for those that are deleted at once
SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO deleted_sessions AS d (owner, session_id, deleted_at)
    VALUES (OLD.owner, OLD.session_id, clock_timestamp())
    ON CONFLICT (owner, session_id) DO UPDATE SET deleted_at = EXCLUDED.deleted_at;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_hidden_session AFTER UPDATE OF owner ON sessions
FOR EACH ROW WHEN (OLD.owner <> NEW.owner) EXECUTE FUNCTION note_hidden_session_v1();
