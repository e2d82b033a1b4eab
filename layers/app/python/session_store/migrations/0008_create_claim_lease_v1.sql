-- Decides whether a run may begin, by idempotency key and lease, in that order; if it may, the session is its own.
--
-- decision: leased | busy | in_progress | reused | stored | lost. holder: the run that holds the session (busy), has the
-- key (in_progress, reused, stored), or lost its lease (lost). seconds_left: how long the holder's lease lasts.
CREATE FUNCTION claim_lease_v1(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease_seconds double precision,
    in_idempotency_key text, in_request_hash text,
    OUT decision text, OUT holder uuid, OUT seconds_left double precision, OUT session_key uuid
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held       sessions%ROWTYPE;
    earlier    runs%ROWTYPE;
    locked_key uuid;
    is_new     boolean := false;
    inserted   boolean;
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
                  AND is_leased_v1(s.lease_until) AND earlier.status = 'running';
                decision := CASE WHEN earlier.request_hash IS DISTINCT FROM in_request_hash THEN 'reused'
                                 WHEN earlier.status = 'completed' THEN 'stored'
                                 WHEN seconds_left IS NOT NULL THEN 'in_progress' END;
                IF decision IS NOT NULL THEN
                    IF is_new THEN
                        DELETE FROM sessions s WHERE s.session_key = held.session_key;
                    END IF;
                    holder := earlier.run_id;
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

    IF is_leased_v1(held.lease_until) AND held.run_id <> in_run_id THEN
        decision := 'busy';
        holder := held.run_id;
        seconds_left := extract(epoch FROM held.lease_until - clock_timestamp());
        RETURN;
    END IF;

    -- A repeated begin of the same run, after a lost connection, finds its own lease and keeps its fence.
    INSERT INTO runs (run_id, owner, session_key, agent_id, fence, idempotency_key, request_hash)
    VALUES (in_run_id, in_owner, held.session_key, in_agent_id, held.fence + 1, in_idempotency_key, in_request_hash)
    ON CONFLICT DO NOTHING;
    inserted := FOUND;
    IF NOT inserted AND (held.run_id = in_run_id AND is_leased_v1(held.lease_until)) IS NOT TRUE THEN
        IF is_new THEN
            DELETE FROM sessions s WHERE s.session_key = held.session_key;
        END IF;
        -- A request with the same key, on another session, was first by a moment; or this run lost its lease since.
        SELECT 'in_progress', r.run_id, 1 INTO decision, holder, seconds_left
        FROM runs r
        WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key AND r.run_id <> in_run_id;
        IF NOT FOUND THEN
            decision := 'lost';
            holder := in_run_id;
        END IF;
        RETURN;
    END IF;

    IF held.run_id <> in_run_id THEN
        UPDATE runs r SET status = 'interrupted', finished_at = held.lease_until
        WHERE r.run_id = held.run_id AND r.status = 'running';
    END IF;
    UPDATE sessions s
    SET run_id = in_run_id, lease_until = clock_timestamp() + make_interval(secs => in_lease_seconds),
        fence = s.fence + inserted::int, updated_at = clock_timestamp()
    WHERE s.session_key = held.session_key;
    decision := 'leased';
    session_key := held.session_key;
END
$$;
