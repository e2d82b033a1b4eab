-- What stands in the index for one member of an owner's metadata, or for a title, which has no name.
CREATE FUNCTION session_label_v1(owner text, name text, value text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(owner, name, value)::text, 'UTF8')), 'base64')
$$;

-- A word that only this owner's texts have, so that a search in an index of all owners reads the owner's entries alone.
-- No text gives it: parsers take no word apart from its @.
CREATE FUNCTION owner_word_v1(owner text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT '@' || encode(sha256(convert_to(owner, 'UTF8')), 'hex')
$$;

-- The words of one message; null for none.
CREATE FUNCTION message_words_v1(owner text, language regconfig, content text)
RETURNS tsvector
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
    SELECT to_tsvector(language, content) || array_to_tsvector(ARRAY[owner_word_v1(owner)])
$$;

-- The labels of these names and values.
CREATE FUNCTION session_labels_v1(owner text, names text[], label_values text[])
RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path FROM CURRENT
AS $$
    SELECT ARRAY(SELECT session_label_v1(owner, l.name, l.value) FROM unnest(names, label_values) AS l (name, value))
$$;

-- RFC 7396.
CREATE FUNCTION merge_patch_v1(target jsonb, patch jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path FROM CURRENT
AS $$
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    RETURN coalesce((
        SELECT jsonb_object_agg(
            coalesce(old.key, new.key),
            CASE WHEN new.key IS NULL THEN old.value ELSE merge_patch_v1(old.value, new.value) END
        )
        FROM jsonb_each(CASE jsonb_typeof(target) WHEN 'object' THEN target ELSE '{}' END) AS old
        FULL JOIN jsonb_each(patch) AS new ON new.key = old.key
        WHERE new.value IS DISTINCT FROM 'null'
    ), '{}');
END
$$;

-- Writes a session's entry in the index, from its row.
CREATE FUNCTION index_session_v1(in_session_key uuid, in_language regconfig)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path FROM CURRENT
AS $$
    INSERT INTO session_index (session_key, labels, words)
    SELECT s.session_key,
           ARRAY(SELECT session_label_v1(s.owner, NULL, s.title) WHERE s.title IS NOT NULL
                 UNION ALL
                 SELECT session_label_v1(s.owner, m.key, m.value #>> '{}')
                 FROM jsonb_each(s.metadata) AS m
                 WHERE jsonb_typeof(m.value) IN ('string', 'number', 'boolean')),
           to_tsvector(in_language, coalesce(s.title, '')) || array_to_tsvector(ARRAY[owner_word_v1(s.owner)])
    FROM sessions s
    WHERE s.session_key = in_session_key
    ON CONFLICT (session_key) DO UPDATE SET labels = EXCLUDED.labels, words = EXCLUDED.words
$$;

-- Changes a session's title, and its metadata by a merge patch; what is null stays, '' takes the title away. A run that
-- holds the session goes on: it has neither. decision: updated | missing | too_large.
CREATE FUNCTION update_session_v1(
    in_owner text, in_session_id text, in_title text, in_metadata_patch jsonb, in_max_bytes integer,
    in_language regconfig, OUT decision text
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held    sessions%ROWTYPE;
    patched jsonb;
BEGIN
    SELECT s.* INTO held FROM sessions s WHERE s.owner = in_owner AND s.session_id = in_session_id FOR UPDATE;
    IF NOT FOUND THEN
        decision := 'missing';
        RETURN;
    END IF;
    patched := coalesce(held.metadata, '{}');
    IF in_metadata_patch IS NOT NULL THEN
        patched := merge_patch_v1(patched, in_metadata_patch);
        IF patched = 'null' THEN
            patched := '{}';
        END IF;
    END IF;
    IF octet_length(patched::text) > in_max_bytes THEN
        decision := 'too_large';
        RETURN;
    END IF;
    UPDATE sessions s
    SET title = CASE WHEN in_title IS NULL THEN s.title ELSE nullif(in_title, '') END,
        has_given_title = s.has_given_title OR in_title IS NOT NULL,
        metadata = patched
    WHERE s.session_key = held.session_key;
    PERFORM index_session_v1(held.session_key, in_language);
    decision := 'updated';
END
$$;
