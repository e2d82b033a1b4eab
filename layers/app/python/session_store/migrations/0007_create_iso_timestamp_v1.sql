-- A moment as Strands writes it, ISO 8601 in UTC, whatever DateStyle and TimeZone say.
CREATE FUNCTION iso_timestamp_v1(moment timestamptz)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT replace(to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), '.000000', '')
$$;
