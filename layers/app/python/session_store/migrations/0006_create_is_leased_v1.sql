-- Whether a run holds the session with this lease_until. Of one expression, so that the planner puts that in its place.
CREATE FUNCTION is_leased_v1(lease_until timestamptz)
RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT coalesce(lease_until > clock_timestamp(), false)
$$;
