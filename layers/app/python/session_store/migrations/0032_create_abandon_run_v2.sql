-- Frees what a run holds, see abandon_run_v1, and takes it out of its owner's runs of the last minute.
CREATE FUNCTION abandon_run_v2(in_owner text, in_run_id uuid, in_sent_at double precision)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM abandon_run_v1(in_owner, in_run_id, in_sent_at);
    DELETE FROM run_starts s WHERE s.owner = in_owner AND s.run_id = in_run_id;
END
$$;
