"""A real PostgreSQL for the test run, and a database of its own for each test, cloned from a migrated template."""

import itertools
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from local.database import EmbeddedDatabase, temporary_database
from local.gateway import Gateway
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.settings import StoreSettings
from tests.support.agent import FACTORY

_numbers = itertools.count()
_MEMORY, _ENOUGH_BYTES = Path("/dev/shm"), 8 * 2**30  # noqa: S108 - a folder of its own is made there

os.environ["AGENT_FACTORY"] = FACTORY  # for this process, and those that it starts


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[EmbeddedDatabase]:
    # Processes are killed in these tests, never the machine: fsync would only cost time, and so would a disk for the
    # three hundred files of each test's database. A container has 64 MB of shared memory, unless it was given more.
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES
    settings = {"fsync": "off", "max_connections": "200"}
    with temporary_database(settings, _MEMORY if in_memory else None) as server:
        yield server


@pytest.fixture(scope="session")
def administrator(postgresql_server: EmbeddedDatabase) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template_database(postgresql_server: EmbeddedDatabase, administrator: "psycopg.Connection[Any]") -> str:
    administrator.execute("CREATE DATABASE sessions_template")
    with psycopg.connect(_url_of(postgresql_server, "sessions_template")) as connection:
        apply_migrations(connection)
    return "sessions_template"


@pytest.fixture
def database_url(
    postgresql_server: EmbeddedDatabase, administrator: "psycopg.Connection[Any]", template_database: str
) -> Iterator[str]:
    with _fresh_database(administrator, template_database) as name:
        yield _url_of(postgresql_server, name)


@pytest.fixture(scope="module")
def shared_database_url(
    postgresql_server: EmbeddedDatabase, administrator: "psycopg.Connection[Any]", template_database: str
) -> Iterator[str]:
    """One database for all tests of a module: for those whose functions' processes are too slow to start each time."""
    with _fresh_database(administrator, template_database) as name:
        yield _url_of(postgresql_server, name)


@pytest.fixture(scope="module")
def scripted_gateway(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The API on real runtime processes, its model scripted by the prompt; see `scripted_model`."""
    environment = {
        "SESSION_BACKEND_URL": shared_database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "SCRIPTED_MODEL_CALLS": str(tmp_path_factory.mktemp("scripted") / "calls.jsonl"),
    }
    with Gateway(environment, port=0, backend_port=0) as gateway:
        yield gateway


@contextmanager
def _fresh_database(administrator: "psycopg.Connection[Any]", template_database: str) -> Generator[str]:
    name = f"test_{next(_numbers)}"
    database, template = sql.Identifier(name), sql.Identifier(template_database)
    administrator.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(database, template))
    yield name
    administrator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture
def store(database_url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=database_url))
    yield opened
    opened.close()


def _url_of(server: EmbeddedDatabase, database: str) -> str:
    return server.url.rpartition("/")[0] + "/" + database
