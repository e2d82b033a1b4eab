"""Forward-only numbered migrations: each is applied once, in order, and never edited afterwards."""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any

import psycopg

from .connection import connect
from .errors import MigrationError
from .settings import StoreSettings

# Any number that nothing else in this database locks. Transaction-level: it ends with the transaction.
_ADVISORY_LOCK = 7_031_845_520_911


def apply_migrations(connection: psycopg.Connection[Any]) -> list[str]:
    """Bring the schema up to date in one transaction; the names of those applied now.

    Applying twice changes nothing; appliers at the same time wait for each other. The connection needs the right to
    create in its schema. Raises `MigrationError` if a file was changed after it was applied.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                name text PRIMARY KEY,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
            )
            """
        )
        applied = dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())
        return [name for name, script in _scripts() if _apply(connection, name, script, applied.get(name))]


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
    folder = files("session_store") / "migrations"
    for script in sorted(folder.iterdir(), key=lambda script: script.name):
        if script.name.endswith(".sql"):
            yield script.name, script.read_bytes()


def main() -> None:
    """`python -m session_store.migrate postgresql://owner@host/sessions`"""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m session_store.migrate postgresql://…\n{apply_migrations.__doc__}")
    with connect(replace(StoreSettings.from_environment(os.environ), url=sys.argv[1])) as connection:
        for name in apply_migrations(connection):
            sys.stdout.write(f"applied {name}\n")


if __name__ == "__main__":
    main()
