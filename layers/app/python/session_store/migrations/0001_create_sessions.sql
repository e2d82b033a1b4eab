-- Ids may have 255 characters of four bytes each, and a B-tree entry may have 2,704 bytes: owner, session and agent
-- together would not fit into one key. So the rows below a session hang on its session_key. Only the row of the
-- session, found by its owner, leads to it; and a session that is deleted and created again has another one.
CREATE TABLE sessions (
    session_key  uuid        NOT NULL DEFAULT gen_random_uuid(),
    owner        text        NOT NULL COLLATE "C",
    session_id   text        NOT NULL COLLATE "C",
    session_type text        NOT NULL DEFAULT 'AGENT',
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    preview      text        NOT NULL DEFAULT '',
    fence        bigint      NOT NULL DEFAULT 0,
    run_id       uuid,
    lease_until  timestamptz,
    PRIMARY KEY (session_key),
    UNIQUE (owner, session_id),
    CHECK ((run_id IS NULL) = (lease_until IS NULL))
);

CREATE INDEX sessions_by_activity ON sessions (owner, updated_at DESC, session_key DESC);
CREATE INDEX sessions_by_age ON sessions (updated_at);

-- json, not jsonb: jsonb refuses \u0000, reorders keys and rewrites numbers. Nothing looks inside.
CREATE TABLE agents (
    session_key                uuid   NOT NULL REFERENCES sessions ON DELETE CASCADE,
    agent_id                   text   NOT NULL COLLATE "C",
    state                      json   NOT NULL,
    conversation_manager_state json   NOT NULL,
    internal_state             json   NOT NULL,
    removed_message_count      bigint NOT NULL,
    message_count              bigint NOT NULL DEFAULT 0,
    created_at                 text   NOT NULL,
    updated_at                 text   NOT NULL,
    PRIMARY KEY (session_key, agent_id)
);

CREATE TABLE messages (
    session_key    uuid   NOT NULL,
    agent_id       text   NOT NULL COLLATE "C",
    message_id     bigint NOT NULL CHECK (message_id >= 0),
    message        json   NOT NULL,
    redact_message json,
    created_at     text   NOT NULL,
    updated_at     text   NOT NULL,
    PRIMARY KEY (session_key, agent_id, message_id),
    FOREIGN KEY (session_key, agent_id) REFERENCES agents ON DELETE CASCADE
);

CREATE TABLE multi_agents (
    session_key    uuid        NOT NULL REFERENCES sessions ON DELETE CASCADE,
    multi_agent_id text        NOT NULL COLLATE "C",
    state          json        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (session_key, multi_agent_id)
);

-- The answer of a run is the message that ended it, read where it is stored: redacting it redacts the answer too.
CREATE TABLE runs (
    run_id            uuid        NOT NULL PRIMARY KEY,
    owner             text        NOT NULL COLLATE "C",
    session_key       uuid        NOT NULL REFERENCES sessions ON DELETE CASCADE,
    agent_id          text        NOT NULL COLLATE "C",
    fence             bigint      NOT NULL,
    status            text        NOT NULL DEFAULT 'running'
                                  CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'interrupted')),
    cancel_requested  boolean     NOT NULL DEFAULT false,
    idempotency_key   text        COLLATE "C",
    request_hash      text,
    result            json,
    answer_message_id bigint,
    error_code        text,
    started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at       timestamptz
);

CREATE UNIQUE INDEX runs_by_idempotency_key ON runs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_by_session ON runs (session_key);
CREATE INDEX runs_by_age ON runs (started_at);
