-- What Strands keeps through its Storage interface: bytes under a key of an owner, at most a megabyte a row. A value is
-- its chunks in order. One under session/<id>/ or context/<id>/, where snapshots and offloaded context are, belongs to
-- that session, if it exists, and is deleted with it.
CREATE TABLE stored_values (
    owner        text        NOT NULL COLLATE "C",
    key          text        NOT NULL COLLATE "C",
    chunk_number integer     NOT NULL,
    chunk        bytea       NOT NULL,
    session_key  uuid        REFERENCES sessions ON DELETE CASCADE,
    expires_at   timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, key, chunk_number)
);

CREATE INDEX stored_values_by_session ON stored_values (session_key) WHERE session_key IS NOT NULL;
CREATE INDEX stored_values_by_expiry ON stored_values (expires_at) WHERE expires_at IS NOT NULL;

-- The id of the session that a key belongs to, or null.
CREATE FUNCTION find_session_id_v1(key text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT substring(key FROM '^(?:session|context)/([^/]+)/')
$$;

-- Replaces a value whole, or deletes it where in_data is null. Writers of one value follow each other from its first
-- chunk on.
CREATE FUNCTION replace_value_v1(
    in_owner text, in_key text, in_session_key uuid, in_data bytea, in_lifetime_seconds double precision
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    chunk_bytes CONSTANT integer := 1000000;
    -- An empty value has a chunk too; what is to be deleted has none.
    last_number integer := CASE WHEN in_data IS NULL THEN -1
                                ELSE greatest(octet_length(in_data) - 1, 0) / chunk_bytes END;
BEGIN
    INSERT INTO stored_values AS v (owner, key, chunk_number, chunk, session_key, expires_at)
    SELECT in_owner, in_key, number, substring(in_data FROM number * chunk_bytes + 1 FOR chunk_bytes), in_session_key,
           clock_timestamp() + make_interval(secs => in_lifetime_seconds)
    FROM generate_series(0, last_number) AS number
    ON CONFLICT (owner, key, chunk_number)
    DO UPDATE SET chunk = EXCLUDED.chunk, session_key = EXCLUDED.session_key, expires_at = EXCLUDED.expires_at,
                  updated_at = clock_timestamp();
    DELETE FROM stored_values v WHERE v.owner = in_owner AND v.key = in_key AND v.chunk_number > last_number;
END
$$;

-- Writes one value outside a run. Answers the run that holds the value's session, then nothing is written; else no row.
CREATE FUNCTION write_value_v1(in_owner text, in_key text, in_data bytea, in_lifetime_seconds double precision)
RETURNS TABLE (holder uuid, seconds_left double precision)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held sessions%ROWTYPE;
BEGIN
    SELECT s.* INTO held
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = find_session_id_v1(in_key)
    FOR UPDATE;
    IF is_leased_v1(held.lease_until) THEN
        holder := held.run_id;
        seconds_left := extract(epoch FROM held.lease_until - clock_timestamp());
        RETURN NEXT;
        RETURN;
    END IF;
    UPDATE sessions s SET updated_at = clock_timestamp() WHERE s.session_key = held.session_key;
    PERFORM replace_value_v1(in_owner, in_key, held.session_key, in_data, in_lifetime_seconds);
END
$$;

-- Writes what a run has gathered, in the statement of write_run, which has locked the session's row and checked its
-- lease. in_data: all values one after another; in_sizes: how many bytes each has, null for one that is to be deleted.
CREATE FUNCTION write_run_values_v1(
    in_owner text, in_session_id text, in_keys text[], in_sizes integer[], in_data bytea, in_lifetimes double precision[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held  uuid := (SELECT s.session_key FROM sessions s WHERE s.owner = in_owner AND s.session_id = in_session_id);
    start integer := 1;
BEGIN
    FOR position IN 1 .. cardinality(in_keys) LOOP
        PERFORM replace_value_v1(
            in_owner, in_keys[position],
            CASE WHEN find_session_id_v1(in_keys[position]) = in_session_id THEN held END,
            substring(in_data FROM start FOR in_sizes[position]), in_lifetimes[position]);
        start := start + coalesce(in_sizes[position], 0);
    END LOOP;
END
$$;

-- The snapshots that a run's agent, and any Graph or Swarm of the session, restore: key and base64 of the value, by
-- turns. It sees what was committed when it starts, thus all that was written before the lease was taken. Null where they
-- are large: the answer of a begin has to fit into a connection's buffers, see begin_run_v3; the lease keeps them as they
-- are until they are read.
CREATE FUNCTION read_snapshots_v1(in_owner text, in_session_id text, in_agent_id text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    scopes text := 'session/' || in_session_id || '/scopes/';
    found  text[] := ARRAY(
        SELECT DISTINCT v.key
        FROM stored_values v
        WHERE v.owner = in_owner
          AND (v.key = scopes || 'agent/' || in_agent_id || '/snapshots/snapshot_latest.json'
               OR v.key >= scopes || 'multiAgent/' AND v.key < scopes || 'multiAgent0')
          AND (v.expires_at IS NULL OR v.expires_at > clock_timestamp())
    );
BEGIN
    IF (SELECT sum(octet_length(v.chunk)) FROM stored_values v WHERE v.owner = in_owner AND v.key = ANY (found)) > 75000
    THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(
        SELECT unnest(ARRAY[v.key, encode(string_agg(v.chunk, ''::bytea ORDER BY v.chunk_number), 'base64')])
        FROM stored_values v
        WHERE v.owner = in_owner AND v.key = ANY (found)
        GROUP BY v.key
    );
END
$$;

-- A large session is deleted in pieces, hidden under another owner meanwhile (see sweep_session_v1). Its values bear
-- their own owner: they go at once, or a new session of that id would find them.
CREATE FUNCTION delete_values_of_session_v1()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
    DELETE FROM stored_values v WHERE v.session_key = NEW.session_key;
    RETURN NULL;
END
$$;

CREATE TRIGGER delete_values_of_hidden_session
AFTER UPDATE OF owner ON sessions
FOR EACH ROW WHEN (NEW.owner <> OLD.owner)
EXECUTE FUNCTION delete_values_of_session_v1();
