"""The one place that says in which schema a statement's tables and functions are."""

from .connection import Statement

DEFAULT_SCHEMA = "public"


class StatementNames(dict[str, str]):
    """`FROM {sessions}` becomes `FROM "schema".sessions`, or where there is no schema `FROM sessions`.

    In the statement's text: a search_path of the connection would pin a proxied one.
    """

    def __init__(self, schema: str | None) -> None:
        super().__init__()
        self.schema = schema
        # A percent sign would begin a parameter.
        self._qualifier = "" if schema is None else '"' + schema.replace('"', '""').replace("%", "%%") + '".'
        self._filled: dict[Statement, bytes] = {}

    def __missing__(self, name: str) -> str:
        return self._qualifier + name

    def fill(self, statement: Statement) -> bytes:
        filled = self._filled.get(statement)
        if filled is None:
            filled = self._filled[statement] = statement.format_map(self).encode()
        return filled
