-- Facts of an owner, across sessions. source: what is the same of a memory that comes twice, so that it is kept once.
-- words: content's, in the language of the store that wrote it. embedding: real[], since not every server has pgvector;
-- where it is there, a search casts.
CREATE TABLE memories (
    memory_id  uuid        NOT NULL DEFAULT gen_random_uuid(),
    owner      text        NOT NULL COLLATE "C",
    store_name text        NOT NULL COLLATE "C",
    source     text        NOT NULL COLLATE "C",
    content    text        NOT NULL,
    metadata   jsonb       NOT NULL DEFAULT '{}',
    words      tsvector    NOT NULL,
    embedding  real[],
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    PRIMARY KEY (memory_id),
    UNIQUE (owner, store_name, source)
);

CREATE INDEX memories_by_activity ON memories (owner, updated_at DESC, memory_id DESC);
CREATE INDEX memories_by_words ON memories USING gin (words);
CREATE INDEX memories_by_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL;
