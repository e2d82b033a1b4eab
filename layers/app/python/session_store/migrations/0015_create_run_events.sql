-- What a run's stream says, in batches: events is a JSON array of those from first_number to last_number. By last_number,
-- since a reader asks for what comes after a number.
CREATE TABLE run_events (
    run_id       uuid   NOT NULL REFERENCES runs ON DELETE CASCADE,
    last_number  bigint NOT NULL,
    first_number bigint NOT NULL CHECK (first_number BETWEEN 1 AND last_number),
    events       json   NOT NULL,
    PRIMARY KEY (run_id, last_number)
);

-- Stores a batch while the run holds its session. is_stored: whether it follows what is stored, or is stored already;
-- not so once the events were deleted. No row: the run holds the session no more, and nothing was stored.
--
-- The lock on the session's row waits for whoever is about to change it, and checks the lease on the new row: a plain
-- INSERT … SELECT would check it on the old one, and let a run write that has just lost its session.
CREATE FUNCTION append_run_events_v1(
    in_owner text, in_session_id text, in_run_id uuid, in_first_number bigint, in_last_number bigint, in_events json
)
RETURNS TABLE (is_stored boolean)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    stored_number bigint;
BEGIN
    PERFORM FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id AND s.run_id = in_run_id AND is_leased_v1(s.lease_until)
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    SELECT e.last_number INTO stored_number
    FROM run_events e
    WHERE e.run_id = in_run_id
    ORDER BY e.last_number DESC
    LIMIT 1;
    IF coalesce(stored_number, 0) = in_first_number - 1 THEN
        INSERT INTO run_events (run_id, first_number, last_number, events)
        VALUES (in_run_id, in_first_number, in_last_number, in_events);
        stored_number := in_last_number;
    END IF;
    is_stored := coalesce(stored_number = in_last_number, false);
    RETURN NEXT;
END
$$;

-- How a run stands, and the batches with events behind in_after, at most in_limit: a row each, or one without a batch. No
-- row: there is no such run. stored_number: of the last event that is stored at all, 0 for none.
--
-- A function, for its plans are kept: planning took longer than reading. It is stable, so that all of it is true at one
-- moment.
CREATE FUNCTION read_run_events_v1(in_owner text, in_run_id uuid, in_after bigint, in_limit bigint)
RETURNS TABLE (
    session_id text, status text, error_code text, stored_number bigint,
    first_number bigint, last_number bigint, events text
)
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    SELECT s.session_id, r.error_code,
           CASE WHEN r.status = 'running' AND (s.run_id = r.run_id AND is_leased_v1(s.lease_until)) IS NOT TRUE
                THEN 'interrupted' ELSE r.status END
    INTO session_id, error_code, status
    FROM runs r JOIN sessions s ON s.session_key = r.session_key
    WHERE r.run_id = in_run_id AND r.owner = in_owner;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    stored_number := coalesce((SELECT max(e.last_number) FROM run_events e WHERE e.run_id = in_run_id), 0);
    IF stored_number <= in_after THEN
        RETURN NEXT;
        RETURN;
    END IF;
    FOR first_number, last_number, events IN
        SELECT e.first_number, e.last_number, e.events
        FROM run_events e
        WHERE e.run_id = in_run_id AND e.last_number > in_after
        ORDER BY e.last_number
        LIMIT in_limit
    LOOP
        RETURN NEXT;
    END LOOP;
END
$$;

-- A message that is replaced, as for a redaction, takes its words out of every stream of its session: nothing says which
-- events repeat them. On the table, so that no way to change a message passes it by.
CREATE FUNCTION delete_events_of_session_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    DELETE FROM run_events e USING runs r WHERE r.session_key = NEW.session_key AND e.run_id = r.run_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER delete_events_with_replaced_message AFTER UPDATE OF message, redact_message ON messages
    FOR EACH ROW EXECUTE FUNCTION delete_events_of_session_v1();
