-- What runs do again and again, each as one value: a function in FROM is planned as a table, its columns are parsed,
-- planned and described for each call, and its rows are kept before they are read. All of that took longer than the work.

-- Stores a batch while the run holds its session. True: it follows what is stored, or is stored already; false once the
-- events were deleted. Null: the run holds the session no more, and nothing was stored.
--
-- The lock on the session's row waits for whoever is about to change it, and checks the lease on the new row: a plain
-- INSERT … SELECT would check it on the old one, and let a run write that has just lost its session.
CREATE FUNCTION append_run_events_v2(
    in_owner text, in_session_id text, in_run_id uuid, in_first_number bigint, in_last_number bigint, in_events json
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id AND s.run_id = in_run_id AND is_leased_v1(s.lease_until)
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO run_events (run_id, first_number, last_number, events)
    SELECT in_run_id, in_first_number, in_last_number, in_events
    WHERE coalesce((SELECT max(e.last_number) FROM run_events e WHERE e.run_id = in_run_id), 0) = in_first_number - 1;
    IF FOUND THEN
        RETURN true;
    END IF;
    RETURN coalesce((SELECT max(e.last_number) FROM run_events e WHERE e.run_id = in_run_id) = in_last_number, false);
END
$$;

-- How a run stands: the session's id, the run's status and error code, and the number of the last event that is stored at
-- all, 0 for none; then of each batch with events behind in_after, at most in_limit, its first number, its last one, and
-- the events. Null: there is no such run.
--
-- It is stable, so that all of it is true at one moment.
CREATE FUNCTION read_run_events_v2(in_owner text, in_run_id uuid, in_after bigint, in_limit bigint)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
    run_session_id text;
    run_status     text;
    run_error_code text;
    stored_number  bigint;
BEGIN
    SELECT s.session_id, r.error_code,
           CASE WHEN r.status = 'running' AND (s.run_id = r.run_id AND is_leased_v1(s.lease_until)) IS NOT TRUE
                THEN 'interrupted' ELSE r.status END,
           coalesce((SELECT max(e.last_number) FROM run_events e WHERE e.run_id = in_run_id), 0)
    INTO run_session_id, run_error_code, run_status, stored_number
    FROM runs r JOIN sessions s ON s.session_key = r.session_key
    WHERE r.run_id = in_run_id AND r.owner = in_owner;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF stored_number <= in_after THEN
        RETURN ARRAY[run_session_id, run_status, run_error_code, stored_number::text];
    END IF;
    RETURN ARRAY[run_session_id, run_status, run_error_code, stored_number::text] || ARRAY(
        SELECT unnest(ARRAY[e.first_number::text, e.last_number::text, e.events::text])
        FROM (SELECT b.first_number, b.last_number, b.events
              FROM run_events b
              WHERE b.run_id = in_run_id AND b.last_number > in_after
              ORDER BY b.last_number
              LIMIT in_limit) AS e
    );
END
$$;

-- Counts a run that has ended, and what it has used, for its owner's day.
CREATE FUNCTION count_usage_v1(in_owner text, in_input_tokens bigint, in_output_tokens bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO usage AS u (owner, day, runs, input_tokens, output_tokens)
    VALUES (in_owner, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1, in_input_tokens, in_output_tokens)
    ON CONFLICT (owner, day) DO UPDATE
    SET runs = u.runs + 1, input_tokens = u.input_tokens + EXCLUDED.input_tokens,
        output_tokens = u.output_tokens + EXCLUDED.output_tokens;
END
$$;
