-- A page of an agent's messages, upwards or downwards from in_first: in_limit of them at most, and no more than in_max_bytes
-- together, but for the first one, so that paging always gets further. Each message is read from its place but once.
--
-- Of a message that has more than in_max_message_bytes alone there is its size (omitted_bytes), and an empty
-- redact_message if it was redacted. Where more follow, the last row has the next message's id and nothing else. An agent
-- without messages there gives one empty row, a missing agent none.
CREATE FUNCTION read_messages_v1(
    in_owner text, in_session_id text, in_agent_id text, in_first bigint, in_limit bigint, in_is_descending boolean,
    in_max_bytes bigint, in_max_message_bytes bigint
)
RETURNS TABLE (
    message_id bigint, message text, redact_message text, created_at text, updated_at text, omitted_bytes bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    subject   record;
    found_row refcursor;
    row_count bigint := 0;
    room      bigint := in_max_bytes;
    size      bigint;
BEGIN
    SELECT a.session_key, a.message_count INTO subject
    FROM sessions s JOIN agents a ON a.session_key = s.session_key
    WHERE s.owner = in_owner AND s.session_id = in_session_id AND a.agent_id = in_agent_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- Ids are dense, so a page is bounded by ids at both ends: for LIMIT alone the planner may read and sort all the rest.
    IF in_is_descending THEN
        OPEN found_row NO SCROLL FOR
            SELECT m.message_id, m.message, m.redact_message, m.created_at, m.updated_at
            FROM messages m
            WHERE m.session_key = subject.session_key AND m.agent_id = in_agent_id AND m.message_id <= in_first
              AND m.message_id >= least(in_first, subject.message_count - 1) - in_limit
            ORDER BY m.message_id DESC;
    ELSE
        OPEN found_row NO SCROLL FOR
            SELECT m.message_id, m.message, m.redact_message, m.created_at, m.updated_at
            FROM messages m
            WHERE m.session_key = subject.session_key AND m.agent_id = in_agent_id AND m.message_id >= in_first
              AND m.message_id <= least(in_first, subject.message_count) + in_limit
            ORDER BY m.message_id;
    END IF;
    LOOP
        FETCH found_row INTO message_id, message, redact_message, created_at, updated_at;
        EXIT WHEN NOT FOUND;
        size := octet_length(message) + coalesce(octet_length(redact_message), 0);
        IF size > in_max_message_bytes THEN
            message := NULL;
            redact_message := left(redact_message, 0);
            omitted_bytes := size;
            size := 0;
        ELSE
            omitted_bytes := NULL;
        END IF;
        IF row_count = in_limit OR (row_count > 0 AND size > room) THEN
            message := NULL;
            redact_message := NULL;
            omitted_bytes := NULL;
            RETURN NEXT;
            RETURN;
        END IF;
        room := room - size;
        row_count := row_count + 1;
        RETURN NEXT;
    END LOOP;
    IF row_count = 0 THEN
        RETURN NEXT;
    END IF;
END
$$;
