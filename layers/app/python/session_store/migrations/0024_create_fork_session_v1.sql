-- An agent as it was before its message in_message_count: what was recorded last, and after which message; no row where
-- nothing was.
CREATE FUNCTION past_agent_v1(in_session_key uuid, in_agent_id text, in_message_count bigint)
RETURNS TABLE (
    message_id bigint, state json, conversation_manager_state json, internal_state json, removed_message_count bigint
)
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
    SELECT m.message_id,
           (SELECT r.state FROM messages r
            WHERE r.session_key = in_session_key AND r.agent_id = in_agent_id AND r.message_id = m.state_id),
           m.conversation_manager_state, m.internal_state, m.removed_message_count
    FROM messages m
    WHERE m.session_key = in_session_key AND m.agent_id = in_agent_id AND m.message_id < in_message_count
      AND m.internal_state IS NOT NULL
    ORDER BY m.message_id DESC
    LIMIT 1
$$;

-- Copies one agent's first in_message_count messages, and the agent as it was then: as it is, where that is all of them;
-- where nothing was recorded, without its states. Null: there was no such agent yet.
CREATE FUNCTION copy_agent_v1(in_origin_key uuid, in_session_key uuid, in_agent_id text, in_message_count bigint)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path FROM CURRENT
AS $$
    INSERT INTO agents (session_key, agent_id, state, conversation_manager_state, internal_state,
                        removed_message_count, message_count, created_at, updated_at)
    SELECT in_session_key, a.agent_id,
           CASE WHEN a.message_count <= in_message_count THEN a.state ELSE coalesce(p.state, '{}') END,
           CASE WHEN a.message_count <= in_message_count THEN a.conversation_manager_state
                ELSE coalesce(p.conversation_manager_state, '{}') END,
           CASE WHEN a.message_count <= in_message_count THEN a.internal_state
                ELSE coalesce(p.internal_state, '{}') END,
           CASE WHEN a.message_count <= in_message_count THEN a.removed_message_count
                ELSE coalesce(p.removed_message_count, 0) END,
           least(a.message_count, in_message_count), a.created_at, a.updated_at
    FROM agents a LEFT JOIN past_agent_v1(in_origin_key, in_agent_id, in_message_count) AS p ON true
    WHERE a.session_key = in_origin_key AND a.agent_id = in_agent_id AND in_message_count IS NOT NULL;

    INSERT INTO messages (session_key, agent_id, message_id, message, redact_message, created_at, updated_at, turn,
                          state_id, state, conversation_manager_state, internal_state, removed_message_count, words)
    SELECT in_session_key, m.agent_id, m.message_id, m.message, m.redact_message, m.created_at, m.updated_at, m.turn,
           m.state_id, m.state, m.conversation_manager_state, m.internal_state, m.removed_message_count, m.words
    FROM messages m
    WHERE m.session_key = in_origin_key AND m.agent_id = in_agent_id AND m.message_id < in_message_count
$$;

-- How many messages a session's other agents had when one of them had in_message_count: those of the turns that had ended
-- by then, or of messages that no run wrote, those that are not younger.
CREATE FUNCTION past_message_count_v1(
    in_session_key uuid, in_other_agent_id text, in_agent_id text, in_message_count bigint
)
RETURNS bigint
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
    SELECT max(o.message_id) + 1
    FROM messages m, messages o
    WHERE m.session_key = in_session_key AND m.agent_id = in_agent_id AND m.message_id = in_message_count - 1
      AND o.session_key = in_session_key AND o.agent_id = in_other_agent_id
      AND CASE WHEN m.turn IS NULL OR o.turn IS NULL THEN o.created_at <= m.created_at
               ELSE o.internal_state IS NOT NULL
                    AND (o.turn < m.turn OR o.turn = m.turn AND m.internal_state IS NOT NULL) END
$$;

-- Copies a session up to a message of one of its agents, or whole where in_message_count is null. The caller has locked
-- the session's row. Null: in_session_id is taken.
CREATE FUNCTION copy_session_v1(
    in_origin_key uuid, in_session_id text, in_agent_id text, in_message_count bigint, in_is_removed boolean,
    in_language regconfig
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    moment   timestamptz := clock_timestamp();
    fork     uuid;
    each     record;
BEGIN
    INSERT INTO sessions (owner, session_id, session_type, created_at, updated_at, preview, title, has_given_title,
                          metadata, error_code, fence, origin_key, origin_message_id, removed_at)
    SELECT s.owner, in_session_id, s.session_type, moment, moment, s.preview, s.title, s.has_given_title,
           s.metadata, NULL, s.fence, s.session_key,
           nullif(coalesce(in_message_count, (SELECT a.message_count FROM agents a
                                              WHERE a.session_key = in_origin_key AND a.agent_id = in_agent_id)), 0) - 1,
           CASE WHEN in_is_removed THEN moment END
    FROM sessions s
    WHERE s.session_key = in_origin_key
    ON CONFLICT (owner, session_id) DO NOTHING
    RETURNING session_key INTO fork;
    IF fork IS NULL THEN
        RETURN NULL;
    END IF;

    FOR each IN SELECT a.agent_id, a.message_count FROM agents a WHERE a.session_key = in_origin_key LOOP
        PERFORM copy_agent_v1(
            in_origin_key, fork, each.agent_id,
            CASE WHEN in_message_count IS NULL THEN each.message_count
                 WHEN each.agent_id = in_agent_id THEN in_message_count
                 ELSE past_message_count_v1(in_origin_key, each.agent_id, in_agent_id, in_message_count) END);
    END LOOP;
    -- What a Graph or a Swarm was is not recorded: it is known only as it is.
    INSERT INTO multi_agents (session_key, multi_agent_id, state)
    SELECT fork, m.multi_agent_id, m.state
    FROM multi_agents m
    WHERE m.session_key = in_origin_key AND in_message_count IS NULL;
    IF EXISTS (SELECT FROM session_index i WHERE i.session_key = in_origin_key) THEN
        PERFORM index_session_v1(fork, in_language);
    END IF;
    RETURN fork;
END
$$;

-- Forks a session after a message of one of its agents, or, where in_message_id is null, as it is. decision: forked |
-- forked_before | session_missing | agent_missing | message_missing | busy | taken. state_message_id: the message after
-- which the agent's state was recorded; null where it is not known.
CREATE FUNCTION fork_session_v1(
    in_owner text, in_session_id text, in_fork_id text, in_agent_id text, in_message_id bigint, in_language regconfig,
    OUT decision text, OUT message_id bigint, OUT state_message_id bigint, OUT holder text,
    OUT seconds_left double precision
)
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held          sessions%ROWTYPE;
    message_count bigint;
BEGIN
    -- Whoever writes begins with this row.
    SELECT s.* INTO held FROM sessions s WHERE s.owner = in_owner AND s.session_id = in_session_id FOR UPDATE;
    IF NOT FOUND THEN
        decision := 'session_missing';
        RETURN;
    END IF;
    SELECT a.message_count INTO message_count
    FROM agents a
    WHERE a.session_key = held.session_key AND a.agent_id = in_agent_id;
    IF NOT FOUND AND in_message_id IS NOT NULL THEN
        decision := 'agent_missing';
        RETURN;
    END IF;
    IF in_message_id >= message_count THEN
        decision := 'message_missing';
        RETURN;
    END IF;
    IF is_leased_v1(held.lease_until) AND (in_message_id IS NULL OR in_message_id + 1 = message_count) THEN
        decision := 'busy';
        holder := held.run_id::text;
        seconds_left := extract(epoch FROM held.lease_until - clock_timestamp());
        RETURN;
    END IF;

    message_id := coalesce(in_message_id, message_count - 1);
    IF copy_session_v1(held.session_key, in_fork_id, in_agent_id, nullif(in_message_id + 1, message_count), false,
                       in_language) IS NULL THEN
        SELECT CASE WHEN s.origin_key = held.session_key AND s.origin_message_id IS NOT DISTINCT FROM message_id
                    THEN 'forked_before' ELSE 'taken' END INTO decision
        FROM sessions s
        WHERE s.owner = in_owner AND s.session_id = in_fork_id;
    ELSE
        decision := 'forked';
    END IF;
    IF in_message_id + 1 = message_count OR in_message_id IS NULL THEN
        state_message_id := message_id;
    ELSE
        SELECT p.message_id INTO state_message_id
        FROM past_agent_v1(held.session_key, in_agent_id, in_message_id + 1) AS p;
    END IF;
END
$$;

-- Takes an agent's messages from in_message_id on out of the session, for the run that goes on before them; in the
-- statement of its write. The session as it was is kept as a fork, with the runs that gave those messages. False: the run
-- does not hold the session, and nothing is changed.
CREATE FUNCTION remove_tail_v1(
    in_owner text, in_session_id text, in_run_id uuid, in_agent_id text, in_message_id bigint, in_language regconfig
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
    held    uuid;
    removed uuid;
BEGIN
    SELECT s.session_key INTO held
    FROM sessions s
    WHERE s.owner = in_owner AND s.session_id = in_session_id
      AND s.run_id = in_run_id AND is_leased_v1(s.lease_until)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    removed := copy_session_v1(held, replace(gen_random_uuid()::text, '-', ''), in_agent_id, NULL, true, in_language);
    UPDATE sessions s SET origin_message_id = nullif(in_message_id, 0) - 1 WHERE s.session_key = removed;
    UPDATE runs r SET session_key = removed
    WHERE r.session_key = held AND r.agent_id = in_agent_id AND r.answer_message_id >= in_message_id;
    IF in_message_id = 0 THEN
        DELETE FROM agents a WHERE a.session_key = held AND a.agent_id = in_agent_id;
    ELSE
        DELETE FROM messages m
        WHERE m.session_key = held AND m.agent_id = in_agent_id AND m.message_id >= in_message_id;
        UPDATE agents a SET message_count = in_message_id WHERE a.session_key = held AND a.agent_id = in_agent_id;
    END IF;
    -- The first message gives the preview.
    UPDATE sessions s SET preview = '' WHERE s.session_key = held AND in_message_id = 0;
    RETURN true;
END
$$;

-- A message that is taken back: its words are found no more.
CREATE FUNCTION forget_words_v1()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
    IF NEW.words IS NOT DISTINCT FROM OLD.words AND NEW.message::text <> OLD.message::text THEN
        NEW.words := NULL;
    END IF;
    RETURN NEW;
END
$$;

-- A document without copies of these texts, each a JSON text, as another one is.
CREATE FUNCTION replace_copies_v1(document json, old_texts text[], new_texts text[])
RETURNS json
LANGUAGE plpgsql IMMUTABLE
SET search_path FROM CURRENT
AS $$
DECLARE
    replaced text := document::text;
BEGIN
    FOR place IN 1 .. cardinality(old_texts) LOOP
        replaced := replace(replaced, old_texts[place], new_texts[place]);
    END LOOP;
    RETURN replaced::json;
END
$$;

-- A JSON text in which no escape is left, for PostgreSQL refuses to look into one with \u0000 or half a surrogate pair; and
-- back again. What stands for escapes are noncharacters of Unicode.
CREATE FUNCTION mask_escapes_v1(document text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT replace(replace(replace(replace(document, '\\', U&'\FDD0'), '\"', U&'\FDD1'), '\u', U&'\FDD2'), '\', U&'\FDD3')
$$;

CREATE FUNCTION unmask_escapes_v1(masked text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT replace(replace(replace(replace(masked, U&'\FDD3', '\'), U&'\FDD2', '\u'), U&'\FDD1', '\"'), U&'\FDD0', '\\')
$$;

-- And it is taken back in the forks too, where they still have it, and in what their agents keep of it. What was recorded
-- of agents since the message may have a copy in it: it is forgotten, and a fork there begins with what was recorded before.
CREATE FUNCTION redact_forks_v1()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    old_content    json;
    new_content    json;
    other_agent_id text;
    old_texts      text[];
    new_texts      text[];
BEGIN
    UPDATE messages m
    SET state_id = NULL, state = NULL, conversation_manager_state = NULL, internal_state = NULL,
        removed_message_count = NULL
    WHERE m.session_key = NEW.session_key AND m.agent_id = NEW.agent_id AND m.message_id >= NEW.message_id
      AND (m.internal_state IS NOT NULL OR m.state_id IS NOT NULL);

    -- Backwards from the last message, to the first turn before this one: not the whole history of the others. One after
    -- another, since a join with all of them may read it all the same.
    FOR other_agent_id IN
        SELECT a.agent_id FROM agents a WHERE a.session_key = NEW.session_key AND a.agent_id <> NEW.agent_id
    LOOP
        UPDATE messages m
        SET state_id = NULL, state = NULL, conversation_manager_state = NULL, internal_state = NULL,
            removed_message_count = NULL
        WHERE m.session_key = NEW.session_key AND m.agent_id = other_agent_id
          AND m.message_id > coalesce((SELECT o.message_id FROM messages o
                                       WHERE o.session_key = NEW.session_key AND o.agent_id = other_agent_id
                                         AND o.turn < NEW.turn
                                       ORDER BY o.message_id DESC LIMIT 1), -1)
          AND (m.internal_state IS NOT NULL OR m.state_id IS NOT NULL);
    END LOOP;

    IF NOT EXISTS (SELECT FROM sessions f WHERE f.origin_key = NEW.session_key) THEN
        RETURN NULL;
    END IF;
    old_content := mask_escapes_v1(OLD.message::text)::json -> 'content';
    new_content := mask_escapes_v1(NEW.message::text)::json -> 'content';
    -- As JSON has them, quotes included. A short one may stand anywhere.
    SELECT array_agg(unmask_escapes_v1(t.old_text::text)), array_agg(unmask_escapes_v1(t.new_text::text))
    INTO old_texts, new_texts
    FROM (
        SELECT old_content, coalesce(new_content, '[]')
        UNION ALL
        SELECT block -> 'text', coalesce(new_content -> 0 -> 'text', '""')
        FROM json_array_elements(CASE json_typeof(old_content) WHEN 'array' THEN old_content END) AS block
    ) AS t (old_text, new_text)
    WHERE length(t.old_text::text) >= 22;

    UPDATE agents a
    SET state = replace_copies_v1(a.state, old_texts, new_texts),
        conversation_manager_state = replace_copies_v1(a.conversation_manager_state, old_texts, new_texts),
        internal_state = replace_copies_v1(a.internal_state, old_texts, new_texts)
    FROM sessions f
    WHERE f.origin_key = NEW.session_key AND a.session_key = f.session_key
      AND EXISTS (SELECT FROM unnest(old_texts) AS t (copy)
                  WHERE strpos(a.state::text, t.copy) > 0 OR strpos(a.conversation_manager_state::text, t.copy) > 0
                     OR strpos(a.internal_state::text, t.copy) > 0);

    UPDATE multi_agents a
    SET state = replace_copies_v1(a.state, old_texts, new_texts)
    FROM sessions f
    WHERE f.origin_key = NEW.session_key AND a.session_key = f.session_key
      AND EXISTS (SELECT FROM unnest(old_texts) AS t (copy) WHERE strpos(a.state::text, t.copy) > 0);

    -- Before its message, so that a fork of the fork finds it.
    UPDATE sessions f
    SET preview = s.preview
    FROM sessions s, messages m
    WHERE NEW.message_id = 0 AND s.session_key = NEW.session_key AND f.origin_key = s.session_key
      AND m.session_key = f.session_key AND m.agent_id = NEW.agent_id AND m.message_id = 0
      AND m.created_at = NEW.created_at AND m.message::text = OLD.message::text;

    UPDATE messages m
    SET message = NEW.message, redact_message = NEW.redact_message, updated_at = NEW.updated_at, words = NEW.words
    FROM sessions f
    WHERE f.origin_key = NEW.session_key AND m.session_key = f.session_key
      AND m.agent_id = NEW.agent_id AND m.message_id = NEW.message_id
      AND m.created_at = NEW.created_at AND m.message::text = OLD.message::text;
    RETURN NULL;
END
$$;

CREATE TRIGGER messages_forget_words BEFORE UPDATE OF message ON messages
FOR EACH ROW EXECUTE FUNCTION forget_words_v1();

CREATE TRIGGER messages_redact_forks AFTER UPDATE OF message ON messages
FOR EACH ROW WHEN (NEW.redact_message IS NOT NULL AND NEW.message::text <> OLD.message::text)
EXECUTE FUNCTION redact_forks_v1();
