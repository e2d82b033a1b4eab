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
