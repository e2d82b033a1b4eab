-- Runs that begin with nobody connected. problem: why it was refused, as a problem document. begun_run_id: which run it
-- became, itself, or an earlier one with the same idempotency key; if that is no longer there, it was deleted.
CREATE TABLE background_runs (
    owner        text        NOT NULL COLLATE "C",
    run_id       uuid        NOT NULL,
    begun_run_id uuid,
    problem      json,
    accepted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, run_id)
);

CREATE INDEX background_runs_by_age ON background_runs (accepted_at);
