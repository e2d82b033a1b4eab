-- Writes what a run has gathered, and ends the run if it has an outcome (in_status): all or nothing, in one round trip.
-- Answers one row, or none if the run holds the session no more; then nothing is written.
--
-- Errors, which undo the whole write: exclusion_violation for a write that does not come after all those
-- that the run has stored: it was delivered late, or twice. foreign_key_violation for what would leave a hole in an
-- agent's message ids, unique_violation for what has another message in its place.
--
-- in_number: 1 for a run's first write, and more for each later one; null of a client that does not number its writes.
-- A list that is null has nothing to write. in_trace: what the run did, of one that ends. in_title: the agent's own,
-- which never takes the place of one that somebody gave. message_texts: what searches find; null where messages are not
-- searched.
--
-- A function, because a connection keeps the plans of its statements. As one SQL statement of as many parts it was
-- planned again for each write, since named prepared statements pin a proxied connection. What it reads of a history is
-- found by its whole key: where an agent's messages are joined, the planner, which expects a session to have few, reads
-- the entries of all of them.
CREATE FUNCTION write_run_v4(
    in_owner text, in_session_id text, in_run_id uuid, in_number bigint, in_lease_seconds double precision,
    in_status text, in_result json, in_answer_message_id bigint, in_error_code text,
    in_trace json, in_preview text, in_redacted_preview text, in_title text, in_language regconfig,
    created_ids text[], created_states json[], created_manager_states json[], created_internal_states json[],
    created_removed_counts bigint[], created_message_counts bigint[], created_created_at text[],
    created_updated_at text[],
    updated_ids text[], updated_states json[], updated_manager_states json[], updated_internal_states json[],
    updated_removed_counts bigint[], updated_message_counts bigint[], updated_updated_at text[],
    message_agent_ids text[], message_ids bigint[], message_bodies json[], redact_bodies json[],
    message_created_at text[], message_updated_at text[], message_texts text[],
    redacted_agent_ids text[], redacted_ids bigint[], redacted_bodies json[], redacted_updated_at text[],
    redacted_texts text[],
    multi_agent_ids text[], multi_agent_states json[]
)
RETURNS TABLE (is_cancel_requested boolean)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held           uuid;
    run_fence      bigint;
    is_named       boolean;
    writer         record;
    subject        agents%ROWTYPE;
    known_state_id bigint;
    is_changed     boolean;
    added          bigint;
    row_count      bigint;
    occupied       bigint;
BEGIN
    -- The UPDATE waits for whoever else changes the session's row and checks the lease on the new row; until the end
    -- of the transaction nobody else then takes the session.
    UPDATE sessions s
    SET lease_until = CASE WHEN in_status IS NULL THEN clock_timestamp() + make_interval(secs => in_lease_seconds) END,
        run_id = CASE WHEN in_status IS NULL THEN s.run_id END,
        updated_at = clock_timestamp(),
        preview = coalesce(in_redacted_preview,
                           CASE s.preview WHEN '' THEN coalesce(in_preview, '') ELSE s.preview END),
        title = CASE WHEN s.has_given_title THEN s.title ELSE coalesce(in_title, s.title) END,
        error_code = CASE WHEN cardinality(message_ids) > 0 OR in_status = 'completed' THEN NULL
                          WHEN s.error_code IS NOT NULL THEN coalesce(in_error_code, s.error_code) END
    WHERE s.owner = in_owner AND s.session_id = in_session_id
      AND s.run_id = in_run_id AND is_leased_v1(s.lease_until)
    RETURNING s.session_key, s.fence, NOT s.has_given_title INTO held, run_fence, is_named;
    IF NOT FOUND THEN
        RETURN;
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
    IF cardinality(created_ids) > 0 THEN
        INSERT INTO agents (session_key, agent_id, state, conversation_manager_state, internal_state,
                            removed_message_count, message_count, created_at, updated_at)
        SELECT held, a.*
        FROM unnest(created_ids, created_states, created_manager_states, created_internal_states,
                    created_removed_counts, created_message_counts, created_created_at, created_updated_at) AS a
        ON CONFLICT (session_key, agent_id)
        DO UPDATE SET message_count = greatest(agents.message_count, EXCLUDED.message_count);
    END IF;

    IF cardinality(updated_ids) > 0 THEN
        UPDATE agents
        SET state = coalesce(a.state, agents.state),
            conversation_manager_state = coalesce(a.manager_state, agents.conversation_manager_state),
            internal_state = coalesce(a.internal_state, agents.internal_state),
            removed_message_count = coalesce(a.removed_count, agents.removed_message_count),
            message_count = greatest(agents.message_count, a.message_count),
            updated_at = coalesce(a.updated_at, agents.updated_at)
        FROM unnest(updated_ids, updated_states, updated_manager_states, updated_internal_states,
                    updated_removed_counts, updated_message_counts, updated_updated_at)
             AS a (agent_id, state, manager_state, internal_state, removed_count, message_count, updated_at)
        WHERE agents.session_key = held AND agents.agent_id = a.agent_id;
        GET DIAGNOSTICS row_count = ROW_COUNT;
        IF row_count < cardinality(updated_ids) THEN
            RAISE EXCEPTION 'an agent does not exist' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;

    IF cardinality(message_ids) > 0 THEN
        -- One agent after another, each statement on one whole key: a statement for all of them at once, which joins
        -- them, is planned again for each write, since the planner expects more of them than there are.
        row_count := 0;
        FOR writer IN
            SELECT m.agent_id, min(m.message_id) AS first_id, max(m.message_id) AS last_id
            FROM unnest(message_agent_ids, message_ids) AS m (agent_id, message_id)
            GROUP BY m.agent_id
        LOOP
            SELECT m.state_id INTO known_state_id
            FROM messages m
            WHERE m.session_key = held AND m.agent_id = writer.agent_id AND m.message_id = writer.first_id - 1;
            IF NOT FOUND AND writer.first_id > 0 THEN
                RAISE EXCEPTION 'the message before it does not exist' USING ERRCODE = 'foreign_key_violation';
            END IF;

            -- The last message of a turn has the agent with it, and its state if that is another one than was recorded.
            subject := NULL;
            is_changed := false;
            IF in_status IS NOT NULL THEN
                SELECT a.* INTO subject
                FROM agents a
                WHERE a.session_key = held AND a.agent_id = writer.agent_id AND a.message_count = writer.last_id + 1;
                is_changed := FOUND AND subject.state::text IS DISTINCT FROM (
                    SELECT m.state::text FROM messages m
                    WHERE m.session_key = held AND m.agent_id = writer.agent_id AND m.message_id = known_state_id);
            END IF;

            INSERT INTO messages (session_key, agent_id, message_id, message, redact_message, created_at, updated_at,
                                  words, turn, state_id, state, conversation_manager_state, internal_state,
                                  removed_message_count)
            SELECT held, m.agent_id, m.message_id, m.message, m.redact_message, m.created_at, m.updated_at,
                   CASE WHEN m.words IS NOT NULL THEN message_words_v1(in_owner, in_language, m.words) END, run_fence,
                   CASE WHEN is_changed AND m.message_id = writer.last_id THEN m.message_id ELSE known_state_id END,
                   CASE WHEN is_changed AND m.message_id = writer.last_id THEN subject.state END,
                   CASE WHEN m.message_id = writer.last_id THEN subject.conversation_manager_state END,
                   CASE WHEN m.message_id = writer.last_id THEN subject.internal_state END,
                   CASE WHEN m.message_id = writer.last_id THEN subject.removed_message_count END
            FROM unnest(message_agent_ids, message_ids, message_bodies, redact_bodies, message_created_at,
                        message_updated_at, message_texts)
                 AS m (agent_id, message_id, message, redact_message, created_at, updated_at, words)
            WHERE m.agent_id = writer.agent_id
            ON CONFLICT (session_key, agent_id, message_id) DO NOTHING;
            GET DIAGNOSTICS added = ROW_COUNT;
            row_count := row_count + added;
        END LOOP;

        -- A repeated write finds its own messages in their place. What closes a failed run may find more stored than the
        -- run knew of: then it is the next run that closes the turn.
        IF row_count < cardinality(message_ids) AND coalesce(in_status, 'completed') = 'completed' THEN
            SELECT min(n.message_id) INTO occupied
            FROM unnest(message_agent_ids, message_ids, message_bodies) AS n (agent_id, message_id, message)
            WHERE n.message::text <> (SELECT m.message::text FROM messages m
                                      WHERE m.session_key = held AND m.agent_id = n.agent_id
                                        AND m.message_id = n.message_id);
            IF occupied IS NOT NULL THEN
                RAISE EXCEPTION 'another message % is stored in its place', occupied USING ERRCODE = 'unique_violation';
            END IF;
        END IF;
    END IF;

    IF cardinality(redacted_ids) > 0 THEN
        UPDATE messages
        SET message = m.message, redact_message = m.message, updated_at = m.updated_at,
            words = CASE WHEN m.words IS NOT NULL THEN message_words_v1(in_owner, in_language, m.words) END
        FROM unnest(redacted_agent_ids, redacted_ids, redacted_bodies, redacted_updated_at, redacted_texts)
             AS m (agent_id, message_id, message, updated_at, words)
        WHERE messages.session_key = held AND messages.agent_id = m.agent_id AND messages.message_id = m.message_id
          AND messages.agent_id = ANY (redacted_agent_ids) AND messages.message_id = ANY (redacted_ids);
    END IF;

    IF cardinality(multi_agent_ids) > 0 THEN
        INSERT INTO multi_agents (session_key, multi_agent_id, state)
        SELECT held, m.*
        FROM unnest(multi_agent_ids, multi_agent_states) AS m
        ON CONFLICT (session_key, multi_agent_id)
        DO UPDATE SET state = EXCLUDED.state, updated_at = clock_timestamp();
    END IF;

    IF is_named AND in_title IS NOT NULL THEN
        PERFORM index_session_v1(held, in_language);
    END IF;

    RETURN NEXT;
END
$$;
