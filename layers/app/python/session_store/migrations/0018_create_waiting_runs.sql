-- Runs that wait for a session, in the order in which they came; an urgent one goes before all others. seen_at: one that
-- waits asks again and again, so who has not asked for a while is dead, and keeps nobody waiting.
CREATE TABLE waiting_runs (
    session_key uuid        NOT NULL REFERENCES sessions ON DELETE CASCADE,
    run_id      uuid        NOT NULL,
    is_urgent   boolean     NOT NULL,
    arrived_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (session_key, run_id)
);

-- How many are served before this run, which takes its place if it waits, and leaves it if it does no more. The caller
-- has locked the session's row.
CREATE FUNCTION take_place_v1(in_session_key uuid, in_run_id uuid, in_if_busy text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    own waiting_runs%ROWTYPE;
BEGIN
    IF in_if_busy <> 'reject' THEN
        INSERT INTO waiting_runs AS w (session_key, run_id, is_urgent)
        VALUES (in_session_key, in_run_id, in_if_busy = 'interrupt')
        ON CONFLICT (session_key, run_id) DO UPDATE SET seen_at = EXCLUDED.seen_at
        RETURNING w.* INTO own;
    END IF;
    DELETE FROM waiting_runs w
    WHERE w.session_key = in_session_key
      AND (w.seen_at < clock_timestamp() - interval '4 s' OR (w.run_id = in_run_id AND in_if_busy = 'reject'));
    RETURN (SELECT count(*)
            FROM waiting_runs w
            WHERE w.session_key = in_session_key AND w.run_id <> in_run_id
              AND (own.run_id IS NULL
                   OR (NOT w.is_urgent, w.arrived_at, w.run_id) < (NOT own.is_urgent, own.arrived_at, own.run_id)));
END
$$;

-- What an owner has used on a day, in UTC.
CREATE TABLE usage (
    owner         text   NOT NULL COLLATE "C",
    day           date   NOT NULL,
    runs          bigint NOT NULL,
    input_tokens  bigint NOT NULL,
    output_tokens bigint NOT NULL,
    PRIMARY KEY (owner, day)
);

CREATE INDEX usage_by_day ON usage (day);

-- When an owner's runs of the last minute began; only where their number is limited.
CREATE TABLE run_starts (
    owner      text        NOT NULL COLLATE "C",
    started_at timestamptz NOT NULL,
    run_id     uuid        NOT NULL,
    PRIMARY KEY (owner, started_at, run_id)
);

-- Whether the owner may begin one more run, which is counted if so. A limit that is null is none. runs_left, tokens_left:
-- after this run. seconds_left: null if it may; else when to ask again.
CREATE FUNCTION spend_budget_v1(
    in_owner text, in_run_id uuid, in_runs_per_minute bigint, in_tokens_per_day bigint,
    OUT seconds_left double precision, OUT runs_left bigint, OUT tokens_left bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    moment timestamptz;
    oldest timestamptz;
BEGIN
    -- One after another for each owner, so that as many as begin at once are counted.
    PERFORM pg_advisory_xact_lock(hashtextextended('budget ' || in_owner, 0));
    moment := clock_timestamp();
    IF in_tokens_per_day IS NOT NULL THEN
        SELECT in_tokens_per_day - coalesce(sum(u.input_tokens + u.output_tokens), 0) INTO tokens_left
        FROM usage u
        WHERE u.owner = in_owner AND u.day = (moment AT TIME ZONE 'UTC')::date;
        IF tokens_left <= 0 THEN
            seconds_left := extract(epoch FROM date_trunc('day', moment AT TIME ZONE 'UTC') + interval '1 day'
                                               - (moment AT TIME ZONE 'UTC'));
        END IF;
    END IF;
    IF in_runs_per_minute IS NOT NULL THEN
        DELETE FROM run_starts s WHERE s.owner = in_owner AND s.started_at < moment - interval '1 minute';
        SELECT in_runs_per_minute - count(*), min(s.started_at) INTO runs_left, oldest
        FROM run_starts s
        WHERE s.owner = in_owner;
        IF runs_left <= 0 THEN
            seconds_left := greatest(seconds_left, extract(epoch FROM oldest + interval '1 minute' - moment));
        ELSIF seconds_left IS NULL THEN
            INSERT INTO run_starts (owner, started_at, run_id) VALUES (in_owner, moment, in_run_id);
            runs_left := runs_left - 1;
        END IF;
    END IF;
END
$$;
