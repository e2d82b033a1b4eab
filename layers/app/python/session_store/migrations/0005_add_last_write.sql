-- A run numbers its writes; see write_run_v2.
ALTER TABLE runs ADD COLUMN last_write bigint NOT NULL DEFAULT 0;
