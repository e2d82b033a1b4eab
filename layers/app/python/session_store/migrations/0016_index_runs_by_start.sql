-- A session's runs, newest first. It serves what runs_by_session did, which each begin had to keep up to date.
CREATE INDEX runs_by_start ON runs (session_key, started_at DESC, run_id DESC);
DROP INDEX runs_by_session;
