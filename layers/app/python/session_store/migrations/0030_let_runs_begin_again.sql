-- A run that begins once more, see begin_run_v4, has stored no write: null, so that its next one may bear any number.
ALTER TABLE runs ALTER COLUMN last_write DROP NOT NULL;
