-- A page of an agent's messages, upwards or downwards from in_first: in_limit of them at most, and no more than in_max_bytes
-- together, but for the first one, so that paging always gets further. Each message is read from its place but once.
--
-- The last row is none of a message: it has the id of the next one where more follow, and in redact_message the sizes of
-- those, by id, of which there is no text since they have more than in_max_message_bytes alone. Such a message has an
-- empty redact_message if it was redacted. A missing agent gives no row.
CREATE FUNCTION read_messages_v2(
    in_owner text, in_session_id text, in_agent_id text, in_first bigint, in_limit bigint, in_is_descending boolean,
    in_max_bytes bigint, in_max_message_bytes bigint
)
RETURNS TABLE (message_id bigint, message text, redact_message text, created_at text, updated_at text)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    subject   record;
    row_count bigint := 0;
    room      bigint := in_max_bytes;
    size      bigint;
    omitted   jsonb := '{}';
    next_id   bigint;
BEGIN
    SELECT a.session_key, a.message_count INTO subject
    FROM sessions s JOIN agents a ON a.session_key = s.session_key
    WHERE s.owner = in_owner AND s.session_id = in_session_id AND a.agent_id = in_agent_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- Ids are dense, so a page is bounded by ids at both ends: for LIMIT alone the planner may read and sort all the rest.
    -- The loop reads some rows ahead, but of a large message only where it is stored.
    FOR message_id, message, redact_message, created_at, updated_at IN
        (SELECT m.message_id, m.message, m.redact_message, m.created_at, m.updated_at
         FROM messages m
         WHERE NOT in_is_descending
           AND m.session_key = subject.session_key AND m.agent_id = in_agent_id AND m.message_id >= in_first
           AND m.message_id <= least(in_first, subject.message_count) + in_limit
         ORDER BY m.message_id
         LIMIT in_limit + 1)
        UNION ALL
        (SELECT m.message_id, m.message, m.redact_message, m.created_at, m.updated_at
         FROM messages m
         WHERE in_is_descending
           AND m.session_key = subject.session_key AND m.agent_id = in_agent_id AND m.message_id <= in_first
           AND m.message_id >= least(in_first, subject.message_count - 1) - in_limit
         ORDER BY m.message_id DESC
         LIMIT in_limit + 1)
    LOOP
        size := octet_length(message) + coalesce(octet_length(redact_message), 0);
        IF size > in_max_message_bytes AND row_count < in_limit THEN
            omitted := omitted || jsonb_build_object(message_id, size);
            message := NULL;
            redact_message := left(redact_message, 0);
            size := 0;
        END IF;
        IF row_count = in_limit OR (row_count > 0 AND size > room) THEN
            next_id := message_id;
            EXIT;
        END IF;
        room := room - size;
        row_count := row_count + 1;
        RETURN NEXT;
    END LOOP;
    RETURN QUERY SELECT next_id, NULL, nullif(omitted, '{}')::text, NULL, NULL;
END
$$;
