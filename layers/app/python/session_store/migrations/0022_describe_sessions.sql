-- What a conversation is called, and what its owner notes about it. origin_key, origin_message_id: of the session that
-- this one was forked from, and of the last message that both have. removed_at: when a rewind took this one's history
-- from its session; until it is used again it is in no list.
--
-- error_code: why the session has no message, for as long as it has none. It begins as that of a run whose process ended
-- before it did, since it is a run that creates a session; whoever creates one without a run leaves it null.
ALTER TABLE sessions
    ADD COLUMN title             text,
    ADD COLUMN has_given_title   boolean NOT NULL DEFAULT false,
    ADD COLUMN metadata          jsonb,
    ADD COLUMN error_code        text,
    ADD COLUMN origin_key        uuid,
    ADD COLUMN origin_message_id bigint,
    ADD COLUMN removed_at        timestamptz;

ALTER TABLE sessions ALTER COLUMN error_code SET DEFAULT 'interrupted';

CREATE INDEX sessions_by_origin ON sessions (origin_key) WHERE origin_key IS NOT NULL;
CREATE INDEX sessions_by_failure ON sessions (updated_at) WHERE error_code IS NOT NULL;
CREATE INDEX sessions_by_removal ON sessions (removed_at) WHERE removed_at IS NOT NULL;

-- By what sessions are found. A table of its own: a session's row changes twice a turn, and each of its indexes with it.
-- labels: of the title and of the metadata's members, see session_label_v1. words: the title's.
CREATE TABLE session_index (
    session_key uuid     NOT NULL PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    labels      text[]   NOT NULL,
    words       tsvector NOT NULL
);

CREATE INDEX session_index_by_label ON session_index USING gin (labels) WITH (fastupdate = off);
CREATE INDEX session_index_by_words ON session_index USING gin (words) WITH (fastupdate = off);

-- What the agent was after a message, so that a conversation can go on from there again. turn: the fence of the run that
-- wrote the message. At the end of a turn stand the agent's states; state_id names the message that has the state, since
-- most turns do not change it.
--
-- words: of the message's text, and owner_word_v1; null where messages are not searched.
ALTER TABLE messages
    ADD COLUMN turn                       bigint,
    ADD COLUMN state_id                   bigint,
    ADD COLUMN state                      json,
    ADD COLUMN conversation_manager_state json,
    ADD COLUMN internal_state             json,
    ADD COLUMN removed_message_count      bigint,
    ADD COLUMN words                      tsvector;

CREATE INDEX messages_by_words ON messages USING gin (words) WHERE words IS NOT NULL;
