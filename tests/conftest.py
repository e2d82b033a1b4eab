"""A real PostgreSQL for the test run, and a database of its own for each test, cloned from a migrated template."""

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from local.database import EmbeddedDatabase, temporary_database
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.settings import StoreSettings

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[EmbeddedDatabase]:
    # Processes are killed in these tests, never the machine: fsync would only cost time.
    with temporary_database({"fsync": "off", "max_connections": "200"}) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgresql_server: EmbeddedDatabase) -> str:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sessions_template")
    with psycopg.connect(_url_of(postgresql_server, "sessions_template")) as connection:
        apply_migrations(connection)
    return "sessions_template"


@pytest.fixture
def database_url(postgresql_server: EmbeddedDatabase, template_database: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        database, template = sql.Identifier(name), sql.Identifier(template_database)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(database, template))
        yield _url_of(postgresql_server, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture
def store(database_url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=database_url))
    yield opened
    opened.close()


def _url_of(server: EmbeddedDatabase, database: str) -> str:
    return server.url.rpartition("/")[0] + "/" + database
