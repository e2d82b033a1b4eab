"""Both ways to the database: straight, and through pgbouncer in transaction mode."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from local.database import EmbeddedDatabase
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.gate import Gate
from tests.reliability.pooler import PROGRAM, Pooler, running_pooler
from tests.reliability.wire import WireProxy


@pytest.fixture(scope="session")
def needs_pgbouncer() -> None:
    if PROGRAM is None:
        missing = "pgbouncer is not installed: apt-get install pgbouncer"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


@pytest.fixture(scope="session")
def pooler(needs_pgbouncer: None, postgresql_server: EmbeddedDatabase) -> Iterator[Pooler]:
    with running_pooler(postgresql_server.url) as running:
        yield running


@pytest.fixture(params=["direct", pytest.param("pgbouncer", marks=pytest.mark.pgbouncer)])
def url(request: pytest.FixtureRequest, database_url: str) -> str:
    """The test's own database, reached in each way."""
    if request.param == "direct":
        return database_url
    return request.getfixturevalue("pooler").url_of(database_url)


@pytest.fixture
def repository(url: str) -> Iterator[PostgreSQLSessionRepository]:
    store = PostgreSQLStore(StoreSettings(url=url))
    yield PostgreSQLSessionRepository(store=store)
    store.close()


@pytest.fixture
def wire(url: str) -> Iterator[WireProxy]:
    with WireProxy(url) as proxy:
        yield proxy


@pytest.fixture
def wired(wire: WireProxy) -> Iterator[PostgreSQLSessionRepository]:
    """A repository whose every byte passes `wire`."""
    store = PostgreSQLStore(StoreSettings(url=wire.url))
    yield PostgreSQLSessionRepository(store=store)
    store.close()


@pytest.fixture
def watch(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A bystander's connection, straight to the database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()
