"""Both transports to one database: what a test here says holds for either."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from local.database import EmbeddedDatabase
from local.gateway import LOCAL_OWNER, Gateway
from session_store.migrate import apply_migrations
from session_store.repository import PostgreSQLSessionRepository
from session_store.store import Store
from tests.contract.bank import Bank
from tests.contract.transport import Transport

SCHEMA = 'Agents "of" 100%s'


@pytest.fixture(scope="session")
def contract_database_url(postgresql_server: EmbeddedDatabase, template_database: str) -> str:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE contract TEMPLATE {template_database}")  # pyright: ignore[reportArgumentType]
    return postgresql_server.url.rpartition("/")[0] + "/contract"


@pytest.fixture(scope="session")
def shared_database(postgresql_server: EmbeddedDatabase) -> Transport:
    """The store in a schema of its own, beside tables of another application that have the same names."""
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared")
    url = postgresql_server.url.rpartition("/")[0] + "/shared"
    with psycopg.connect(url) as connection:
        for table in ("sessions", "agents", "messages", "runs", "schema_migrations"):
            connection.execute(sql.SQL("CREATE TABLE {} (id int)").format(sql.Identifier(table)))
        apply_migrations(connection, SCHEMA)
    return Transport(url, url, schema=SCHEMA)


@pytest.fixture(scope="session")
def gateway(shared_database: Transport) -> Iterator[Gateway]:
    """The session backend as it is deployed: the function in real runtime processes, behind the local gateway."""
    environment = {"SESSION_BACKEND_URL": shared_database.url, "DATABASE_SCHEMA": SCHEMA}
    with Gateway(environment, port=0, backend_port=0) as gateway:
        yield gateway


@pytest.fixture(params=["postgresql", "postgresql in a schema", "http"])
def transport(request: pytest.FixtureRequest) -> Transport:
    """The session backend's own database has a schema too: without one its resources are tested in `integration`."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("contract_database_url")
        return Transport(url, url)
    shared: Transport = request.getfixturevalue("shared_database")
    if request.param == "postgresql in a schema":
        return shared
    gateway: Gateway = request.getfixturevalue("gateway")
    return replace(shared, url=gateway.backend_url, owner_prefix=f"iam:{LOCAL_OWNER.user}/")


@pytest.fixture
def store(transport: Transport) -> Iterator[Store]:
    opened = transport.open()
    yield opened
    opened.close()


@pytest.fixture
def owner() -> str:
    """Another one for each test: the tests share a database."""
    return f"owner-{uuid.uuid4()}"


@pytest.fixture
def repository(store: Store, owner: str) -> PostgreSQLSessionRepository:
    return PostgreSQLSessionRepository(owner=owner, store=store)


@pytest.fixture
def bank() -> Bank:
    return Bank()
