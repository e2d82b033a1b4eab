-- What write_run_v4 and count_usage_v1 do, for less, of the usual write: messages of one agent, one after another from
-- in_first_id on, none of them redacted, searched or written to another agent. True or false: whether the run's end was
-- asked for. Null: the run holds the session no more, and nothing is written.
--
-- Errors, which undo the whole write: those of write_run_v4.
--
-- in_agent_created_at: of an agent that may not be stored yet. in_agent_updated_at: null, with all that the agent is, of
-- one that stays what it was.
CREATE FUNCTION append_messages_v1(
    in_owner text, in_session_id text, in_run_id uuid, in_number bigint, in_lease_seconds double precision,
    in_preview text,
    in_status text, in_result json, in_answer_message_id bigint, in_error_code text, in_trace json,
    in_input_tokens bigint, in_output_tokens bigint,
    in_agent_id text, in_state json, in_conversation_manager_state json, in_internal_state json,
    in_removed_message_count bigint, in_agent_created_at text, in_agent_updated_at text,
    in_first_id bigint, in_messages json[], in_created_at text[], in_updated_at text[]
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held                uuid;
    run_fence           bigint;
    is_cancel_requested boolean;
    size                CONSTANT bigint := cardinality(in_messages);
    last_id             CONSTANT bigint := in_first_id + size - 1;
    subject             agents%ROWTYPE;
    known_state_id      bigint;
    row_count           bigint;
    occupied            bigint;
BEGIN
    -- The UPDATE waits for whoever else changes the session's row and checks the lease on the new row; until the end
    -- of the transaction nobody else then takes the session.
    UPDATE sessions s
    SET lease_until = CASE WHEN in_status IS NULL THEN clock_timestamp() + make_interval(secs => in_lease_seconds) END,
        run_id = CASE WHEN in_status IS NULL THEN s.run_id END,
        updated_at = clock_timestamp(),
        preview = CASE s.preview WHEN '' THEN coalesce(in_preview, '') ELSE s.preview END,
        error_code = NULL
    WHERE s.owner = in_owner AND s.session_id = in_session_id
      AND s.run_id = in_run_id AND is_leased_v1(s.lease_until)
    RETURNING s.session_key, s.fence INTO held, run_fence;
    IF held IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE runs r
    SET last_write = coalesce(in_number, r.last_write),
        status = coalesce(in_status, r.status),
        result = in_result, answer_message_id = in_answer_message_id, error_code = in_error_code,
        trace = in_trace,
        finished_at = CASE WHEN in_status IS NOT NULL THEN clock_timestamp() END
    WHERE r.run_id = in_run_id AND (r.last_write < in_number) IS NOT FALSE
    RETURNING r.cancel_requested INTO is_cancel_requested;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'write % is stored already, or a later one', in_number
            USING ERRCODE = 'exclusion_violation';
    END IF;

    -- Counts only grow: a run that cannot know whether its last write was stored goes on from the one before it.
    IF in_agent_created_at IS NOT NULL THEN
        INSERT INTO agents AS a (session_key, agent_id, state, conversation_manager_state, internal_state,
                                 removed_message_count, message_count, created_at, updated_at)
        VALUES (held, in_agent_id, in_state, in_conversation_manager_state, in_internal_state,
                in_removed_message_count, last_id + 1, in_agent_created_at, in_agent_updated_at)
        ON CONFLICT (session_key, agent_id)
        DO UPDATE SET message_count = greatest(a.message_count, EXCLUDED.message_count)
        RETURNING a.* INTO subject;
    ELSE
        UPDATE agents a
        SET state = coalesce(in_state, a.state),
            conversation_manager_state = coalesce(in_conversation_manager_state, a.conversation_manager_state),
            internal_state = coalesce(in_internal_state, a.internal_state),
            removed_message_count = coalesce(in_removed_message_count, a.removed_message_count),
            message_count = greatest(a.message_count, last_id + 1),
            updated_at = coalesce(in_agent_updated_at, a.updated_at)
        WHERE a.session_key = held AND a.agent_id = in_agent_id
        RETURNING a.* INTO subject;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'an agent does not exist' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;

    IF in_first_id > 0 THEN
        SELECT m.state_id INTO known_state_id
        FROM messages m
        WHERE m.session_key = held AND m.agent_id = in_agent_id AND m.message_id = in_first_id - 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the message before it does not exist' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;

    -- The last message of a turn has the agent with it, and its state if that is another one than was recorded.
    IF in_status IS NULL OR subject.message_count <> last_id + 1 THEN
        subject := NULL;
    ELSIF subject.state::text = (SELECT m.state::text FROM messages m
                                 WHERE m.session_key = held AND m.agent_id = in_agent_id
                                   AND m.message_id = known_state_id) THEN
        subject.state := NULL;
    END IF;
    INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at, turn, state_id, state,
                          conversation_manager_state, internal_state, removed_message_count)
    SELECT held, in_agent_id, in_first_id + m.place - 1, m.message, m.created_at, m.updated_at, run_fence,
           CASE WHEN m.place = size AND subject.state IS NOT NULL THEN last_id ELSE known_state_id END,
           CASE WHEN m.place = size THEN subject.state END,
           CASE WHEN m.place = size THEN subject.conversation_manager_state END,
           CASE WHEN m.place = size THEN subject.internal_state END,
           CASE WHEN m.place = size THEN subject.removed_message_count END
    FROM unnest(in_messages, in_created_at, in_updated_at) WITH ORDINALITY
         AS m (message, created_at, updated_at, place)
    ON CONFLICT (session_key, agent_id, message_id) DO NOTHING;
    GET DIAGNOSTICS row_count = ROW_COUNT;

    -- A repeated write finds its own messages in their place. What closes a failed run may find more stored than the
    -- run knew of: then it is the next run that closes the turn.
    IF row_count < size AND coalesce(in_status, 'completed') = 'completed' THEN
        SELECT min(m.message_id) INTO occupied
        FROM unnest(in_messages) WITH ORDINALITY AS n (message, place)
        JOIN messages m ON m.message_id = in_first_id + n.place - 1
        WHERE m.session_key = held AND m.agent_id = in_agent_id AND m.message_id BETWEEN in_first_id AND last_id
          AND m.message::text <> n.message::text;
        IF occupied IS NOT NULL THEN
            RAISE EXCEPTION 'another message % is stored in its place', occupied USING ERRCODE = 'unique_violation';
        END IF;
    END IF;

    IF in_status IS NOT NULL THEN
        INSERT INTO usage AS u (owner, day, runs, input_tokens, output_tokens)
        VALUES (in_owner, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1, in_input_tokens, in_output_tokens)
        ON CONFLICT (owner, day) DO UPDATE
        SET runs = u.runs + 1, input_tokens = u.input_tokens + EXCLUDED.input_tokens,
            output_tokens = u.output_tokens + EXCLUDED.output_tokens;
    END IF;
    RETURN is_cancel_requested;
END
$$;
