-- What search_sessions_v1 does, of fewer entries: a word that is in each of a thousand sessions took more than 20 ms.

-- An owner's sessions in which words are found, best first: in a title, or in messages, of which the best one is named.
-- Of very many entries only some are ranked, so that a search for a word that is everywhere ends too.
CREATE FUNCTION search_sessions_v2(in_owner text, in_query text, in_language regconfig, in_limit integer)
RETURNS TABLE (session_key uuid, agent_id text, message_id bigint, message text)
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
    max_entries CONSTANT integer := 400;
    wanted      tsquery := websearch_to_tsquery(in_language, in_query);
    indexed     tsquery := wanted && ('''' || owner_word_v1(in_owner) || '''')::tsquery;
BEGIN
    IF numnode(wanted) = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH entries AS (
            (SELECT i.session_key, NULL::text AS agent_id, NULL::bigint AS message_id, 1 + ts_rank(i.words, wanted) AS rank
             FROM session_index i
             WHERE i.words @@ indexed
             LIMIT max_entries)
            UNION ALL
            (SELECT m.session_key, m.agent_id, m.message_id, ts_rank(m.words, wanted)
             FROM messages m
             WHERE m.words @@ indexed AND m.words IS NOT NULL
             LIMIT max_entries)
        ), best AS (
            SELECT DISTINCT ON (e.session_key) e.*
            FROM entries e
            ORDER BY e.session_key, e.rank DESC, e.message_id DESC
        )
        SELECT b.session_key, b.agent_id, b.message_id, (
            SELECT m.message::text FROM messages m
            WHERE m.session_key = b.session_key AND m.agent_id = b.agent_id AND m.message_id = b.message_id
        )
        FROM best b JOIN sessions s ON s.session_key = b.session_key
        WHERE s.owner = in_owner AND (s.removed_at >= s.updated_at) IS NOT TRUE
        ORDER BY b.rank DESC, s.updated_at DESC
        LIMIT in_limit;
END
$$;
