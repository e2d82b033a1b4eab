-- Where most owners have one session, the planner expects one of every owner: then the index of an owner's sessions seems
-- as good as the unique one of owner and id, and a turn of an owner with a million sessions would look through all of
-- them. So it is to expect a hundredth of all sessions of an owner whom it does not know.
ALTER TABLE sessions ALTER COLUMN owner SET (n_distinct = -0.01);
-- As above, of an owner's memories.
ALTER TABLE memories ALTER COLUMN owner SET (n_distinct = -0.01);

-- It takes effect with the next statistics. An empty table has none, and is planned as one that will grow.
DO $$
BEGIN
    IF EXISTS (SELECT FROM sessions) THEN
        ANALYZE sessions (owner);
    END IF;
    IF EXISTS (SELECT FROM memories) THEN
        ANALYZE memories (owner);
    END IF;
END
$$;
