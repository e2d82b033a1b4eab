-- A begin bears when it was sent and for how long its caller waits. What comes later than that has nobody behind it: it
-- takes no lease, creates no session, and brings no deleted session back.

-- What was deleted lately: a begin that was sent before must not create it again. Kept for longer than a begin is good.
CREATE TABLE deleted_sessions (
    owner      text        NOT NULL COLLATE "C",
    session_id text        NOT NULL COLLATE "C",
    deleted_at timestamptz NOT NULL,
    PRIMARY KEY (owner, session_id)
);

CREATE INDEX deleted_sessions_by_age ON deleted_sessions (deleted_at);

-- Runs that were given up before anybody knew whether they had begun.
CREATE TABLE abandoned_runs (
    run_id       uuid        NOT NULL,
    owner        text        NOT NULL COLLATE "C",
    abandoned_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, owner)
);

CREATE INDEX abandoned_runs_by_age ON abandoned_runs (abandoned_at);

-- Every way in which a session goes from its owner's sight passes here, the expiry's too.
CREATE FUNCTION note_deleted_session_v1()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER -- so that nobody who may delete sessions needs another right for it
SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO deleted_sessions (owner, session_id, deleted_at)
    VALUES (OLD.owner, OLD.session_id, clock_timestamp())
    ON CONFLICT (owner, session_id) DO UPDATE SET deleted_at = EXCLUDED.deleted_at;
    DELETE FROM deleted_sessions d
    USING (SELECT o.owner, o.session_id
           FROM deleted_sessions o
           WHERE o.deleted_at < statement_timestamp() - interval '10 minutes'
           LIMIT 100
           FOR UPDATE SKIP LOCKED) AS outdated
    WHERE d.owner = outdated.owner AND d.session_id = outdated.session_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_deleted_session AFTER DELETE OR UPDATE OF owner, session_id ON sessions
FOR EACH ROW WHEN (OLD.owner <> '') EXECUTE FUNCTION note_deleted_session_v1();

-- Whether what this begin asks for was deleted or given up after the begin had been sent.
CREATE FUNCTION is_begin_revoked_v1(in_owner text, in_session_id text, in_run_id uuid, in_sent_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM deleted_sessions d
                   WHERE d.owner = in_owner AND d.session_id = in_session_id AND d.deleted_at >= in_sent_at)
        OR EXISTS (SELECT FROM abandoned_runs a
                   WHERE a.run_id = in_run_id AND a.owner = in_owner AND a.abandoned_at >= in_sent_at);
END
$$;

-- Makes the run's begins that were sent before void, wherever they are.
CREATE FUNCTION note_abandoned_run_v1(in_owner text, in_run_id uuid, in_sent_at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO abandoned_runs AS a (run_id, owner, abandoned_at)
    VALUES (in_run_id, in_owner, in_sent_at)
    ON CONFLICT (run_id, owner) DO UPDATE SET abandoned_at = greatest(a.abandoned_at, EXCLUDED.abandoned_at);
    DELETE FROM abandoned_runs a
    USING (SELECT o.run_id, o.owner
           FROM abandoned_runs o
           WHERE o.abandoned_at < statement_timestamp() - interval '10 minutes'
           FOR UPDATE SKIP LOCKED) AS outdated
    WHERE a.run_id = outdated.run_id AND a.owner = outdated.owner;
END
$$;

-- Decides whether a run may begin, by idempotency key and lease, in that order; if it may, the session is its own.
--
-- decision: leased | busy | exhausted | in_progress | reused | stored | lost. holder: the run that holds the session (busy), has the
-- key (in_progress, reused, stored), or lost its lease (lost). seconds_left: how long the holder's lease lasts; of an
-- exhausted budget, when to ask again; see spend_budget_v1, also for runs_left and tokens_left.
--
-- in_if_busy: reject | wait | interrupt. A run that waits takes its place in the queue, and asks again; one that
-- interrupts has the session's run cancelled meanwhile. queue_position: how many are served before it, the holder
-- included. Who does not wait is refused where others do.
--
-- in_sent_at: when the begin was sent, in seconds since 1970, as this server's clock has it. in_valid_seconds: for how
-- long from then on it is good, a minute at most. One that comes later, or was sent before the session was deleted or
-- the run given up, is a check_violation, which undoes it; its detail is what this server's clock says. So is one from
-- the future: its client's clock is ahead, and would make its begins good for too long.
CREATE FUNCTION claim_lease_v2(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease_seconds double precision,
    in_idempotency_key text, in_request_hash text, in_sent_at double precision, in_valid_seconds double precision,
    in_if_busy text, in_runs_per_minute bigint, in_tokens_per_day bigint,
    OUT decision text, OUT holder uuid, OUT seconds_left double precision, OUT session_key uuid,
    OUT queue_position bigint, OUT runs_left bigint, OUT tokens_left bigint
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
    is_own     boolean;
    is_busy    boolean;
    sent_at    timestamptz := to_timestamp(in_sent_at);
BEGIN
    -- With abandon_run_v1 and the run's other begins, one after another.
    PERFORM pg_advisory_xact_lock(hashtextextended(in_run_id::text, 0));

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

    -- Here, since nothing below waits for anybody: what is in time now has its caller still.
    IF clock_timestamp() NOT BETWEEN sent_at - interval '0.1 s'
                                 AND sent_at + make_interval(secs => least(in_valid_seconds, 60))
       OR is_begin_revoked_v1(in_owner, in_session_id, in_run_id, sent_at) THEN
        RAISE EXCEPTION 'this begin came too late'
            USING ERRCODE = 'check_violation', DETAIL = extract(epoch FROM clock_timestamp())::text;
    END IF;

    is_own := coalesce(held.run_id = in_run_id AND is_leased_v1(held.lease_until), false);
    is_busy := is_leased_v1(held.lease_until) AND NOT is_own;
    queue_position := is_busy::int;
    IF NOT is_own AND ((is_busy AND in_if_busy <> 'reject')
                       OR EXISTS (SELECT FROM waiting_runs w WHERE w.session_key = held.session_key)) THEN
        queue_position := queue_position + take_place_v1(held.session_key, in_run_id, in_if_busy);
    END IF;
    IF queue_position > 0 THEN
        IF in_if_busy = 'interrupt' THEN
            UPDATE runs r SET cancel_requested = true
            WHERE r.run_id = held.run_id AND r.status = 'running' AND NOT r.cancel_requested;
        END IF;
        decision := 'busy';
        holder := coalesce(held.run_id, (SELECT min(w.run_id::text)::uuid FROM waiting_runs w
                                         WHERE w.session_key = held.session_key));
        seconds_left := greatest(1, extract(epoch FROM held.lease_until - clock_timestamp()));
        RETURN;
    END IF;

    IF (in_runs_per_minute IS NOT NULL OR in_tokens_per_day IS NOT NULL) AND NOT is_own THEN
        SELECT b.seconds_left, b.runs_left, b.tokens_left INTO seconds_left, runs_left, tokens_left
        FROM spend_budget_v1(in_owner, in_run_id, in_runs_per_minute, in_tokens_per_day) AS b;
        IF seconds_left IS NOT NULL THEN
            IF is_new THEN
                DELETE FROM sessions s WHERE s.session_key = held.session_key;
            END IF;
            DELETE FROM waiting_runs w WHERE w.session_key = held.session_key AND w.run_id = in_run_id;
            decision := 'exhausted';
            holder := in_run_id;
            RETURN;
        END IF;
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
    IF in_if_busy <> 'reject' THEN
        DELETE FROM waiting_runs w WHERE w.session_key = held.session_key AND w.run_id = in_run_id;
    END IF;
    decision := 'leased';
    session_key := held.session_key;
END
$$;
