-- Stores a batch while the run holds its session. True: it follows what is stored, or is stored already; false once the
-- events were deleted. Null: the run holds the session no more, and nothing was stored.
--
-- The lock on the session's row waits for whoever is about to change it, and checks the lease on the new row: a plain
-- INSERT … SELECT would check it on the old one, and let a run write that has just lost its session.
--
-- One value, not a row: a function in FROM is planned as a table, and its rows are kept before they are read.
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
    RETURN FOUND OR (SELECT max(e.last_number) FROM run_events e WHERE e.run_id = in_run_id) IS NOT DISTINCT FROM in_last_number;
END
$$;
