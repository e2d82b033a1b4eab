-- A value's write outside a run bears the moment at which it was sent: one that comes late undoes nothing newer. What is
-- deleted stays for ten minutes as a row that has always been past its time, or a late write would bring it back.

-- Replaces a value whole, or deletes it where in_data is null. False: it was written since in_sent_at, if that is given,
-- and nothing changes. Writers of one value follow each other from its first chunk on.
CREATE FUNCTION replace_value_v2(
    in_owner text, in_key text, in_session_key uuid, in_data bytea, in_lifetime_seconds double precision,
    in_sent_at timestamptz
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    chunk_bytes CONSTANT integer := 1000000;
    last_number integer := greatest(coalesce(octet_length(in_data), 0) - 1, 0) / chunk_bytes;
    until       timestamptz := CASE WHEN in_data IS NULL THEN '-infinity'
                                    ELSE clock_timestamp() + make_interval(secs => in_lifetime_seconds) END;
    moment      timestamptz := coalesce(in_sent_at, clock_timestamp());
BEGIN
    INSERT INTO stored_values AS v (owner, key, chunk_number, chunk, session_key, expires_at, updated_at)
    VALUES (in_owner, in_key, 0, coalesce(substring(in_data FOR chunk_bytes), ''), in_session_key, until, moment)
    ON CONFLICT (owner, key, chunk_number)
    DO UPDATE SET chunk = EXCLUDED.chunk, session_key = EXCLUDED.session_key, expires_at = EXCLUDED.expires_at,
                  updated_at = EXCLUDED.updated_at
    WHERE in_sent_at IS NULL OR v.updated_at <= in_sent_at;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM stored_values v WHERE v.owner = in_owner AND v.key = in_key AND v.chunk_number > 0;
    INSERT INTO stored_values (owner, key, chunk_number, chunk, session_key, expires_at, updated_at)
    SELECT in_owner, in_key, number, substring(in_data FROM number * chunk_bytes + 1 FOR chunk_bytes), in_session_key,
           until, moment
    FROM generate_series(1, last_number) AS number;
    IF in_data IS NULL THEN
        DELETE FROM stored_values v
        WHERE v.ctid = ANY (ARRAY(
            SELECT o.ctid
            FROM stored_values o
            WHERE o.expires_at = '-infinity' AND o.updated_at < statement_timestamp() - interval '10 minutes'
            LIMIT 100
            FOR UPDATE SKIP LOCKED
        ));
    END IF;
    RETURN true;
END
$$;

-- Writes one value outside a run. Answers a row if nothing is written: the run that holds the value's session, or else
-- what this server's clock says of a write that was sent before the value was last written, or the session deleted, or
-- that comes from the future.
CREATE FUNCTION write_value_v2(
    in_owner text, in_key text, in_data bytea, in_lifetime_seconds double precision, in_sent_at double precision
)
RETURNS TABLE (holder uuid, seconds_left double precision, database_time double precision)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held    sessions%ROWTYPE;
    sent_at timestamptz := to_timestamp(in_sent_at);
BEGIN
    SELECT s.* INTO held
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = find_session_id_v1(in_key)
    FOR UPDATE;
    IF is_leased_v1(held.lease_until) THEN
        holder := held.run_id;
        seconds_left := extract(epoch FROM held.lease_until - clock_timestamp());
        RETURN NEXT;
    ELSIF sent_at > clock_timestamp() + interval '0.1 s'
          OR is_begin_revoked_v1(in_owner, find_session_id_v1(in_key), NULL, sent_at)
          OR NOT replace_value_v2(in_owner, in_key, held.session_key, in_data, in_lifetime_seconds,
                                  least(sent_at, clock_timestamp())) THEN
        database_time := extract(epoch FROM clock_timestamp());
        RETURN NEXT;
    ELSE
        UPDATE sessions s SET updated_at = clock_timestamp() WHERE s.session_key = held.session_key;
    END IF;
END
$$;

-- Writes what a run has gathered, in the statement of write_run, which has locked the session's row and checked its
-- lease. in_data: all values one after another; in_sizes: how many bytes each has, null for one that is to be deleted.
CREATE FUNCTION write_run_values_v2(
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
        PERFORM replace_value_v2(
            in_owner, in_keys[position],
            CASE WHEN find_session_id_v1(in_keys[position]) = in_session_id THEN held END,
            substring(in_data FROM start FOR in_sizes[position]), in_lifetimes[position], NULL);
        start := start + coalesce(in_sizes[position], 0);
    END LOOP;
END
$$;

-- In no release.
DROP FUNCTION write_value_v1(text, text, bytea, double precision);
DROP FUNCTION write_run_values_v1(text, text, text[], integer[], bytea, double precision[]);
DROP FUNCTION replace_value_v1(text, text, uuid, bytea, double precision);

-- When memories of an owner were last deleted: one that was sent before is not added any more.
CREATE TABLE deleted_memories (
    owner      text        NOT NULL COLLATE "C",
    deleted_at timestamptz NOT NULL,
    PRIMARY KEY (owner)
);

CREATE INDEX deleted_memories_by_age ON deleted_memories (deleted_at);

-- Deletes one memory, or all of a store, or of an owner: what is null does not narrow. deleted: how many; null, and
-- nothing is deleted, if one of them was written since in_sent_at, or that is from the future. database_time: what this
-- server's clock says.
CREATE FUNCTION delete_memories_v1(
    in_owner text, in_store_name text, in_memory_id uuid, in_sent_at double precision,
    OUT deleted bigint, OUT database_time double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    database_time := extract(epoch FROM clock_timestamp());
    -- An addition under way holds the row, or waits for it.
    INSERT INTO deleted_memories AS d (owner, deleted_at)
    VALUES (in_owner, clock_timestamp())
    ON CONFLICT (owner) DO UPDATE SET deleted_at = clock_timestamp();
    DELETE FROM deleted_memories d
    USING (SELECT o.owner
           FROM deleted_memories o
           WHERE o.deleted_at < statement_timestamp() - interval '10 minutes'
           LIMIT 100
           FOR UPDATE SKIP LOCKED) AS outdated
    WHERE d.owner = outdated.owner;
    IF in_sent_at > database_time + 0.1
       OR EXISTS (SELECT FROM memories m
                  WHERE m.owner = in_owner AND m.updated_at > to_timestamp(in_sent_at)
                    AND (in_store_name IS NULL OR m.store_name = in_store_name)
                    AND (in_memory_id IS NULL OR m.memory_id = in_memory_id)) THEN
        RETURN;
    END IF;
    DELETE FROM memories m
    WHERE m.owner = in_owner AND (in_store_name IS NULL OR m.store_name = in_store_name)
      AND (in_memory_id IS NULL OR m.memory_id = in_memory_id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
END
$$;
