-- What 0028 creates, for less.

-- Parsed again for each batch; append_run_events_v3 is called with numbers that are right.
ALTER TABLE run_events DROP CONSTRAINT run_events_check;

-- Stores a batch while the run holds its session. True: it follows what is stored, or is stored already; false once the
-- events were deleted. Null: the run holds the session no more, and nothing was stored.
--
-- The lock on the run's row waits for whoever is about to end the run, to take its session or to redact it, since all of
-- them change that row, and checks the new one; the foreign key finds it locked. The lease lasts for a moment longer: who
-- sees that it has run out sees everything that was stored under it.
CREATE FUNCTION append_run_events_v3(
    in_owner text, in_run_id uuid, in_first_number bigint, in_last_number bigint, in_events json
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM
    FROM runs r JOIN sessions s ON s.session_key = r.session_key AND s.run_id = r.run_id
    WHERE r.run_id = in_run_id AND r.owner = in_owner AND r.status = 'running'
      AND is_leased_v1(s.lease_until - interval '0.2 s')
    FOR SHARE OF r;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO run_events (run_id, first_number, last_number, events)
    SELECT in_run_id, in_first_number, in_last_number, in_events
    WHERE coalesce((SELECT e.last_number FROM run_events e WHERE e.run_id = in_run_id
                    ORDER BY e.last_number DESC LIMIT 1), 0) = in_first_number - 1;
    IF FOUND THEN
        RETURN true;
    END IF;
    RETURN coalesce((SELECT max(e.last_number) FROM run_events e WHERE e.run_id = in_run_id) = in_last_number, false);
END
$$;

-- How a run stands: the session's id, the run's status and error code; then the batches, at most in_limit, from the one on
-- that ends with in_after: each as its first number, its last one and, where some are behind in_after, its events, with a
-- space between. Where all end before in_after, the last one comes alone. Null: there is no such run.
--
-- It is stable, so that all of it is true at one moment. A watcher without news finds the batch that it has seen, and
-- needs no look for the last one.
CREATE FUNCTION read_run_events_v3(in_owner text, in_run_id uuid, in_after bigint, in_limit bigint)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
    stand text[];
BEGIN
    SELECT ARRAY[s.session_id,
                 CASE WHEN r.status = 'running' AND (s.run_id = r.run_id AND is_leased_v1(s.lease_until)) IS NOT TRUE
                      THEN 'interrupted' ELSE r.status END,
                 r.error_code]
           || ARRAY(SELECT concat_ws(' ', e.first_number, e.last_number,
                                     CASE WHEN e.last_number > in_after THEN e.events END)
                    FROM run_events e
                    WHERE e.run_id = in_run_id AND e.last_number >= in_after
                    ORDER BY e.last_number
                    LIMIT in_limit)
    INTO stand
    FROM runs r JOIN sessions s ON s.session_key = r.session_key
    WHERE r.run_id = in_run_id AND r.owner = in_owner;
    IF cardinality(stand) = 3 AND in_after > 0 THEN
        stand := stand || ARRAY(SELECT concat_ws(' ', e.first_number, e.last_number)
                                FROM run_events e
                                WHERE e.run_id = in_run_id
                                ORDER BY e.last_number DESC
                                LIMIT 1);
    END IF;
    RETURN stand;
END
$$;

-- Whether somebody has asked for the run's end. Null: there is no such run. A function, for its plan is kept.
CREATE FUNCTION is_cancel_requested_v1(in_owner text, in_run_id uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT r.cancel_requested FROM runs r WHERE r.run_id = in_run_id AND r.owner = in_owner);
END
$$;

-- In no release.
DROP FUNCTION append_run_events_v2(text, text, uuid, bigint, bigint, json);
DROP FUNCTION read_run_events_v2(text, uuid, bigint, bigint);
