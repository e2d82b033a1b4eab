"""A way to the sessions, and a look behind it."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from session_store.http import HttpStore
from session_store.postgresql import PostgreSQLStore
from session_store.settings import StoreSettings
from session_store.store import Store


@dataclass(frozen=True)
class Transport:
    """`url` is what a user gives as SESSION_BACKEND_URL; `owner_prefix` stands before each owner in the tables.

    schema: where the tables are, if not where the server looks by itself.
    """

    url: str
    database_url: str
    owner_prefix: str = ""
    schema: str | None = None

    def open(self) -> Store:
        settings = StoreSettings(url=self.url, schema=self.schema)
        return PostgreSQLStore(settings) if settings.is_postgresql else HttpStore(settings)

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            if self.schema:
                connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(self.schema)))
            return connection.execute(statement, parameters).fetchall()  # pyright: ignore[reportArgumentType]
