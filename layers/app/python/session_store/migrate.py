"""Forward-only numbered migrations: each is applied once, in order, and never edited afterwards."""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from ._statement_names import DEFAULT_SCHEMA
from .connection import check_encoding, connect
from .errors import ConfigurationError, MigrationError
from .migration_names import FOLDER, migration_names
from .settings import StoreSettings

# Any number that nothing else in this database locks. Transaction-level: it ends with the transaction.
_ADVISORY_LOCK = 7_031_845_520_911
_REMEDY = "give the store a schema of its own by DATABASE_SCHEMA"


def apply_migrations(connection: psycopg.Connection[Any], schema: str | None = None) -> list[str]:
    """Bring the schema up to date in one transaction; the names of those applied now.

    Applying twice changes nothing; appliers at the same time wait for each other. The connection needs the right to
    create in its schema, or in the database where `schema` names one that is not there yet. Raises `ConfigurationError`
    for a database that is not UTF-8, and `MigrationError` if a file was changed after it was applied, if another
    application's table is in the way, or if the right is missing.
    """
    check_encoding(connection)
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
            _enter_schema(connection, schema)
            applied = _read_applied(connection)
            return [name for name, script in _scripts() if _apply(connection, name, script, applied.get(name))]
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(f"the role may not create the store's tables: {error.diag.message_primary}") from error
    except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateFunction) as error:
        raise MigrationError(f"{error.diag.message_primary}, and is not the store's: {_REMEDY}") from error


def _enter_schema(connection: psycopg.Connection[Any], schema: str | None) -> None:
    """For this transaction. The functions keep the search_path that they were created with."""
    row = connection.execute("SELECT current_schema(), to_regnamespace(quote_ident(%s))", (schema,)).fetchone()
    current, existing = row or (None, None)
    if schema is None and current is not None:
        return
    name = sql.Identifier(schema or DEFAULT_SCHEMA)
    if schema is not None and existing is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(name))


def _read_applied(connection: psycopg.Connection[Any]) -> dict[str, str]:
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            name text PRIMARY KEY,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """
    )
    try:
        return dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())
    except psycopg.errors.UndefinedColumn as error:
        raise MigrationError(f"table schema_migrations is another application's: {_REMEDY}") from error


def _apply(connection: psycopg.Connection[Any], name: str, script: bytes, known_checksum: str | None) -> bool:
    checksum = hashlib.sha256(script).hexdigest()
    if known_checksum is None:
        connection.execute(script)
        connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)", (name, checksum))
        return True
    if known_checksum != checksum:
        raise MigrationError(f"migration {name} was changed after it was applied; add a new one instead")
    return False


def _scripts() -> Iterator[tuple[str, bytes]]:
    return ((name, (FOLDER / name).read_bytes()) for name in migration_names())


def main() -> None:
    """`python -m session_store.migrate [postgresql://owner@host/sessions]`, by default `SESSION_BACKEND_URL`."""
    url = sys.argv[1] if len(sys.argv) == 2 else os.environ.get("SESSION_BACKEND_URL")
    if len(sys.argv) > 2 or not url:
        sys.exit(f"usage: python -m session_store.migrate postgresql://…\n{apply_migrations.__doc__}")
    try:
        settings = replace(StoreSettings.from_environment(os.environ), url=url)
        with connect(settings) as connection:
            for name in apply_migrations(connection, settings.schema):
                sys.stdout.write(f"applied {name}\n")
    except ConfigurationError as error:
        sys.exit(str(error))
    except psycopg.OperationalError as error:
        sys.exit(f"the database cannot be used: {error}")


if __name__ == "__main__":
    main()
