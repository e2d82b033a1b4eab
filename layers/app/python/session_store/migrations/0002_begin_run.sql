-- Begins a run in one round trip: decides idempotency key, lease and window, in that order.
--
-- A function, because each of its statements sees what was committed when it starts. A single SQL statement that waits
-- for the session's row re-checks the lease on the new row, but reads the messages from its older snapshot: it would
-- begin on a history that lacks the turn it waited for.
--
-- The first row is the decision: leased | busy | in_progress | reused | stored | lost. After 'leased' follow the session, the
-- agent if it exists, and the messages that its conversation manager still holds, oldest first.
CREATE FUNCTION begin_run(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease interval,
    in_idempotency_key text, in_request_hash text
)
RETURNS TABLE (part text, number bigint, body text, extra text, internal text, created_at text, updated_at text)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    held         sessions%ROWTYPE;
    earlier      runs%ROWTYPE;
    subject      agents%ROWTYPE;
    locked_key   uuid;
    is_new       boolean := false;
    inserted     boolean;
    decision     text;
    seconds_left numeric;
BEGIN
    LOOP
        SELECT s.* INTO held FROM sessions s WHERE s.owner = in_owner AND s.session_id = in_session_id FOR UPDATE;

        IF in_idempotency_key IS NOT NULL THEN
            -- The key's run may be about to commit on another session: with that session's row locked it has, or cannot.
            -- Another run may have taken the key meanwhile: then its session is the one to lock.
            SELECT s.session_key INTO locked_key
            FROM runs r JOIN sessions s ON s.session_key = r.session_key
            WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key
            FOR UPDATE OF s;
            SELECT r.* INTO earlier FROM runs r WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key;
            CONTINUE WHEN earlier.session_key IS DISTINCT FROM locked_key;
            IF FOUND AND earlier.run_id <> in_run_id THEN
                SELECT extract(epoch FROM s.lease_until - clock_timestamp()) INTO seconds_left
                FROM sessions s
                WHERE s.session_key = earlier.session_key AND s.run_id = earlier.run_id
                  AND s.lease_until > clock_timestamp() AND earlier.status = 'running';
                decision := CASE WHEN earlier.request_hash IS DISTINCT FROM in_request_hash THEN 'reused'
                                 WHEN earlier.status = 'completed' THEN 'stored'
                                 WHEN seconds_left IS NOT NULL THEN 'in_progress' END;
                IF decision IS NOT NULL THEN
                    IF is_new THEN
                        DELETE FROM sessions s WHERE s.session_key = held.session_key;
                    END IF;
                    RETURN QUERY SELECT decision, 0::bigint, earlier.run_id::text, coalesce(seconds_left, 0)::text,
                                        ''::text, ''::text, ''::text;
                    RETURN;
                END IF;
                -- It failed, was cancelled or died: its key may run again.
                UPDATE runs r
                SET idempotency_key = NULL,
                    status = CASE WHEN r.status = 'running' THEN 'interrupted' ELSE r.status END,
                    finished_at = coalesce(r.finished_at, clock_timestamp())
                WHERE r.run_id = earlier.run_id;
            END IF;
        END IF;

        EXIT WHEN held.session_key IS NOT NULL;
        INSERT INTO sessions (owner, session_id) VALUES (in_owner, in_session_id) ON CONFLICT DO NOTHING;
        is_new := FOUND;
    END LOOP;

    IF held.lease_until > clock_timestamp() AND held.run_id <> in_run_id THEN
        RETURN QUERY SELECT 'busy', 0::bigint, held.run_id::text,
                            extract(epoch FROM held.lease_until - clock_timestamp())::text, ''::text, ''::text, ''::text;
        RETURN;
    END IF;

    -- A repeated begin of the same run, after a lost connection, finds its own lease and keeps its fence.
    INSERT INTO runs (run_id, owner, session_key, agent_id, fence, idempotency_key, request_hash)
    VALUES (in_run_id, in_owner, held.session_key, in_agent_id, held.fence + 1, in_idempotency_key, in_request_hash)
    ON CONFLICT DO NOTHING;
    inserted := FOUND;
    IF NOT inserted AND (held.run_id = in_run_id AND held.lease_until > clock_timestamp()) IS NOT TRUE THEN
        IF is_new THEN
            DELETE FROM sessions s WHERE s.session_key = held.session_key;
        END IF;
        -- A request with the same key, on another session, was first by a moment; or this run lost its lease since.
        RETURN QUERY
            SELECT 'in_progress', 0::bigint, r.run_id::text, '1'::text, ''::text, ''::text, ''::text
            FROM runs r
            WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key AND r.run_id <> in_run_id;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'lost', 0::bigint, in_run_id::text, '0'::text, ''::text, ''::text, ''::text;
        END IF;
        RETURN;
    END IF;

    IF held.run_id <> in_run_id THEN
        UPDATE runs r SET status = 'interrupted', finished_at = held.lease_until
        WHERE r.run_id = held.run_id AND r.status = 'running';
    END IF;
    UPDATE sessions s
    SET run_id = in_run_id, lease_until = clock_timestamp() + in_lease,
        fence = s.fence + inserted::int, updated_at = clock_timestamp()
    WHERE s.session_key = held.session_key
    RETURNING s.* INTO held;

    RETURN QUERY SELECT 'leased', held.fence, held.session_type, held.preview, ''::text,
                        held.created_at::text, held.updated_at::text;
    SELECT a.* INTO subject FROM agents a WHERE a.session_key = held.session_key AND a.agent_id = in_agent_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'agent', subject.message_count, subject.state::text, subject.conversation_manager_state::text,
                        subject.internal_state::text, subject.created_at, subject.updated_at;
    RETURN QUERY SELECT 'message', m.message_id, m.message::text, m.redact_message::text, NULL::text,
                        m.created_at, m.updated_at
                 FROM messages m
                 WHERE m.session_key = held.session_key AND m.agent_id = in_agent_id
                   AND m.message_id >= subject.removed_message_count
                 ORDER BY m.message_id;
END
$$;
