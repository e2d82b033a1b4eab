-- What a run did, and when: names and figures, 16 KB at most. Null before its end, and of a run whose process died.
ALTER TABLE runs ADD COLUMN trace json;
