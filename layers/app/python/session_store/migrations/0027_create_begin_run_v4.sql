-- What begin_run_v3 does, for less: most of what a statement this small costs is its start and its end. So what few turns
-- need is looked up by one statement, or in a function that is called where it is needed, and the answer has few columns:
-- each is parsed, planned and described again for every begin.

-- What a begin finds that its idempotency key was given before. decision: in_progress | reused | stored, with the key's
-- run as holder; 'again' where another run has taken the key meanwhile; null: the key is free, or is now, since its run
-- has failed. The caller has locked the row of its own session, if there is one.
CREATE FUNCTION claim_key_v1(
    in_owner text, in_run_id uuid, in_idempotency_key text, in_request_hash text,
    OUT decision text, OUT holder uuid, OUT seconds_left double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    locked_key uuid;
    earlier    record;
BEGIN
    -- The key's run may be about to commit on another session: with that session's row locked it has, or cannot.
    SELECT s.session_key INTO locked_key
    FROM runs r JOIN sessions s ON s.session_key = r.session_key
    WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key
    FOR UPDATE OF s;
    SELECT r.run_id, r.session_key, r.status, r.request_hash INTO earlier
    FROM runs r
    WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key;
    IF earlier.session_key IS DISTINCT FROM locked_key THEN
        decision := 'again';
        RETURN;
    END IF;
    IF earlier.run_id IS NULL OR earlier.run_id = in_run_id THEN
        RETURN;
    END IF;
    SELECT extract(epoch FROM s.lease_until - clock_timestamp()) INTO seconds_left
    FROM sessions s
    WHERE s.session_key = earlier.session_key AND s.run_id = earlier.run_id
      AND is_leased_v1(s.lease_until) AND earlier.status = 'running';
    holder := earlier.run_id;
    decision := CASE WHEN earlier.request_hash IS DISTINCT FROM in_request_hash THEN 'reused'
                     WHEN earlier.status = 'completed' THEN 'stored'
                     WHEN seconds_left IS NOT NULL THEN 'in_progress' END;
    IF decision IS NULL THEN
        -- It failed, was cancelled or died: its key may run again.
        UPDATE runs r
        SET idempotency_key = NULL,
            status = CASE WHEN r.status = 'running' THEN 'interrupted' ELSE r.status END,
            finished_at = coalesce(r.finished_at, clock_timestamp())
        WHERE r.run_id = earlier.run_id;
    END IF;
END
$$;

-- Begins a run in one round trip: claims the lease, and reads what the agent needs.
--
-- A function, because each of its statements sees what was committed when it starts. A single SQL statement that waits
-- for the session's row re-checks the lease on the new row, but reads the messages from its older snapshot: it would
-- begin on a history that lacks the turn it waited for.
--
-- The first row is the answer: the decision, holder, seconds_left, queue_position, runs_left and tokens_left; and after
-- 'leased' the fence, the session's type, times and preview, and of its agent, if that exists, the id, states, times,
-- removed_message_count and message_count; and the snapshots, see read_snapshots_v1. Each further row is one of the
-- messages that the agent's conversation manager still holds, oldest first.
--
-- decision: leased | busy | exhausted | in_progress | reused | stored | lost. holder: the run that holds the session
-- (busy), has the key (in_progress, reused, stored), or lost its lease (lost). seconds_left: how long the holder's lease
-- lasts; of an exhausted budget, when to ask again; see spend_budget_v1, also for runs_left and tokens_left.
--
-- in_if_busy: reject | wait | interrupt. A run that waits takes its place in the queue, and asks again; one that
-- interrupts has the session's run cancelled meanwhile. queue_position: how many are served before it, the holder
-- included. Who does not wait is refused where others do.
--
-- in_sent_at: when the begin was sent, in seconds since 1970, as this server's clock has it. in_valid_seconds: for how
-- long from then on it is good, a minute at most. One that comes later, or was sent before the session was deleted or
-- the run given up, is a check_violation, which undoes it; its detail is what this server's clock says. So is one from
-- the future: its client's clock is ahead, and would make its begins good for too long.
--
-- The lease is committed once the answer has been handed to the network, and until then nobody else is answered about
-- this session. So the answer is no larger than what a connection's buffers hold where its client does not read: of a
-- larger agent its states are left out, and of larger messages the rest. Under the lease they stay as they are.
CREATE FUNCTION begin_run_v4(
    in_owner text, in_session_id text, in_agent_id text, in_run_id uuid, in_lease_seconds double precision,
    in_idempotency_key text, in_request_hash text, in_sent_at double precision, in_valid_seconds double precision,
    in_if_busy text, in_runs_per_minute bigint, in_tokens_per_day bigint
)
RETURNS TABLE (
    answer text[], snapshots text[],
    message_id bigint, message text, redact_message text, created_at text, updated_at text
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held            record;
    known           record;
    decision        text;
    holder          uuid;
    seconds_left    double precision;
    queue_position  bigint;
    runs_left       bigint;
    tokens_left     bigint;
    fence           bigint;
    last_updated_at timestamptz;
    is_new          boolean := false;
    is_own          boolean;
    inserted        boolean;
    sent_at         timestamptz := to_timestamp(in_sent_at);
    room            bigint := 100000;
BEGIN
    -- With abandon_run_v1 and the run's other begins, one after another.
    PERFORM pg_advisory_xact_lock(hashtextextended(in_run_id::text, 0));

    LOOP
        SELECT s.session_key, s.run_id, s.lease_until, s.fence INTO held
        FROM sessions s
        WHERE s.owner = in_owner AND s.session_id = in_session_id
        FOR UPDATE;
        IF in_idempotency_key IS NOT NULL THEN
            SELECT k.* INTO decision, holder, seconds_left
            FROM claim_key_v1(in_owner, in_run_id, in_idempotency_key, in_request_hash) AS k;
            CONTINUE WHEN decision = 'again';
            IF decision IS NOT NULL THEN
                DELETE FROM sessions s WHERE is_new AND s.session_key = held.session_key;
                answer := ARRAY[decision, holder::text, seconds_left::text, NULL, NULL, NULL];
                RETURN NEXT;
                RETURN;
            END IF;
        END IF;
        EXIT WHEN held.session_key IS NOT NULL;
        INSERT INTO sessions (owner, session_id) VALUES (in_owner, in_session_id) ON CONFLICT DO NOTHING;
        is_new := FOUND;
    END LOOP;

    -- Nothing below waits for anybody, so what is in time now has its caller still.
    SELECT s.session_type, s.created_at, s.preview,
           a.agent_id, a.state::text, a.conversation_manager_state::text, a.internal_state::text,
           a.created_at AS agent_created_at, a.updated_at AS agent_updated_at,
           a.removed_message_count, a.message_count,
           EXISTS (SELECT FROM deleted_sessions d
                   WHERE d.owner = in_owner AND d.session_id = in_session_id AND d.deleted_at >= sent_at)
           OR EXISTS (SELECT FROM abandoned_runs r
                      WHERE r.run_id = in_run_id AND r.owner = in_owner AND r.abandoned_at >= sent_at) AS is_revoked,
           EXISTS (SELECT FROM waiting_runs w WHERE w.session_key = held.session_key) AS has_queue,
           EXISTS (SELECT FROM stored_values v
                   WHERE v.owner = in_owner AND v.key >= 'session/' || in_session_id || '/scopes/'
                     AND v.key < 'session/' || in_session_id || '/scopes0') AS has_snapshots
    INTO known
    FROM sessions s LEFT JOIN agents a ON a.session_key = s.session_key AND a.agent_id = in_agent_id
    WHERE s.session_key = held.session_key;

    IF known.is_revoked OR clock_timestamp() NOT BETWEEN sent_at - interval '0.1 s'
                                                     AND sent_at + make_interval(secs => least(in_valid_seconds, 60))
    THEN
        RAISE EXCEPTION 'this begin came too late'
            USING ERRCODE = 'check_violation', DETAIL = extract(epoch FROM clock_timestamp())::text;
    END IF;

    is_own := held.run_id IS NOT NULL AND held.run_id = in_run_id AND is_leased_v1(held.lease_until);
    IF NOT is_own AND (held.run_id IS NOT NULL OR known.has_queue) THEN
        queue_position := is_leased_v1(held.lease_until)::int;
        IF known.has_queue OR (queue_position = 1 AND in_if_busy <> 'reject') THEN
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
            answer := ARRAY[decision, holder::text, seconds_left::text, queue_position::text, NULL, NULL];
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    IF (in_runs_per_minute IS NOT NULL OR in_tokens_per_day IS NOT NULL) AND NOT is_own THEN
        SELECT b.seconds_left, b.runs_left, b.tokens_left INTO seconds_left, runs_left, tokens_left
        FROM spend_budget_v1(in_owner, in_run_id, in_runs_per_minute, in_tokens_per_day) AS b;
        IF seconds_left IS NOT NULL THEN
            DELETE FROM sessions s WHERE is_new AND s.session_key = held.session_key;
            DELETE FROM waiting_runs w WHERE w.session_key = held.session_key AND w.run_id = in_run_id;
            answer := ARRAY['exhausted', in_run_id::text, seconds_left::text, NULL, runs_left::text, tokens_left::text];
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    INSERT INTO runs (run_id, owner, session_key, agent_id, fence, idempotency_key, request_hash)
    VALUES (in_run_id, in_owner, held.session_key, in_agent_id, held.fence + 1, in_idempotency_key, in_request_hash)
    ON CONFLICT DO NOTHING;
    inserted := FOUND;
    -- A repeated begin of the same run, after a lost connection, finds its own lease and keeps its fence.
    IF NOT inserted AND NOT is_own THEN
        -- It failed since it had begun as another agent than the one that was built: then it begins once more.
        UPDATE runs r
        SET agent_id = in_agent_id, fence = held.fence + 1, status = 'running', last_write = NULL, error_code = NULL,
            cancel_requested = false, started_at = clock_timestamp(), finished_at = NULL
        WHERE r.run_id = in_run_id AND r.session_key = held.session_key AND r.agent_id <> in_agent_id
          AND r.status = 'failed';
        inserted := FOUND;
    END IF;
    IF NOT inserted AND NOT is_own THEN
        DELETE FROM sessions s WHERE is_new AND s.session_key = held.session_key;
        -- A request with the same key, on another session, was first by a moment; or this run lost its lease since.
        SELECT 'in_progress', r.run_id, 1 INTO decision, holder, seconds_left
        FROM runs r
        WHERE r.owner = in_owner AND r.idempotency_key = in_idempotency_key AND r.run_id <> in_run_id;
        IF NOT FOUND THEN
            decision := 'lost';
            holder := in_run_id;
        END IF;
        answer := ARRAY[decision, holder::text, seconds_left::text, NULL, NULL, NULL];
        RETURN NEXT;
        RETURN;
    END IF;

    IF held.run_id <> in_run_id THEN
        UPDATE runs r SET status = 'interrupted', finished_at = held.lease_until
        WHERE r.run_id = held.run_id AND r.status = 'running';
    END IF;
    IF known.has_queue THEN
        DELETE FROM waiting_runs w WHERE w.session_key = held.session_key AND w.run_id = in_run_id;
    END IF;
    UPDATE sessions s
    SET run_id = in_run_id, lease_until = clock_timestamp() + make_interval(secs => in_lease_seconds),
        fence = s.fence + inserted::int, updated_at = clock_timestamp()
    WHERE s.session_key = held.session_key
    RETURNING s.fence, s.updated_at INTO fence, last_updated_at;

    snapshots := CASE WHEN known.has_snapshots THEN read_snapshots_v1(in_owner, in_session_id, in_agent_id)
                      ELSE ARRAY[]::text[] END;
    room := room - octet_length(known.state) - octet_length(known.conversation_manager_state)
            - octet_length(known.internal_state);
    answer := ARRAY[
        'leased', NULL, NULL, NULL, NULL, NULL, fence::text, known.session_type, iso_timestamp_v1(known.created_at),
        iso_timestamp_v1(last_updated_at), known.preview, known.agent_id,
        CASE WHEN room >= 0 THEN known.state END,
        CASE WHEN room >= 0 THEN known.conversation_manager_state END,
        CASE WHEN room >= 0 THEN known.internal_state END,
        known.agent_created_at, known.agent_updated_at, known.removed_message_count::text, known.message_count::text
    ];
    RETURN NEXT;
    IF room >= 0 THEN
        RETURN QUERY
            SELECT NULL::text[], NULL::text[], w.message_id, w.message, w.redact_message, w.created_at, w.updated_at
            FROM (SELECT m.message_id, m.message::text, m.redact_message::text, m.created_at, m.updated_at,
                         sum(octet_length(m.message::text) + coalesce(octet_length(m.redact_message::text), 0))
                             OVER (ORDER BY m.message_id ROWS UNBOUNDED PRECEDING) AS size_so_far
                  FROM messages m
                  WHERE m.session_key = held.session_key AND m.agent_id = in_agent_id
                    AND m.message_id >= known.removed_message_count) AS w
            WHERE w.size_so_far <= room;
    END IF;
END
$$;
