from collections.abc import Sequence


def dump_array(values: Sequence[str | int | None]) -> str | None:
    """An array as PostgreSQL reads it; none for an empty one, and most are empty.

    psycopg looks for the type of each list in its elements: of a write, that would take a quarter of the time.
    """
    if not values:
        return None
    return "{" + ",".join("NULL" if value is None else _quoted(str(value)) for value in values) + "}"


def _quoted(element: str) -> str:
    return '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'
