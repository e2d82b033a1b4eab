"""Both transports to one database: what a test here says holds for either."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from local.database import EmbeddedDatabase
from local.gateway import LOCAL_OWNER, Gateway
from session_store.repository import PostgreSQLSessionRepository
from session_store.store import Store
from tests.contract.transport import Transport


@pytest.fixture(scope="session")
def contract_database_url(postgresql_server: EmbeddedDatabase, template_database: str) -> str:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE contract TEMPLATE {template_database}")  # pyright: ignore[reportArgumentType]
    return postgresql_server.url.rpartition("/")[0] + "/contract"


@pytest.fixture(scope="session")
def gateway(contract_database_url: str) -> Iterator[Gateway]:
    """The session backend as it is deployed: the function in real runtime processes, behind the local gateway."""
    with Gateway({"SESSION_BACKEND_URL": contract_database_url}, port=0, backend_port=0) as gateway:
        yield gateway


@pytest.fixture(params=["postgresql", "http"])
def transport(request: pytest.FixtureRequest, contract_database_url: str) -> Transport:
    if request.param == "postgresql":
        return Transport(contract_database_url, contract_database_url, "")
    gateway: Gateway = request.getfixturevalue("gateway")
    return Transport(gateway.backend_url, contract_database_url, f"iam:{LOCAL_OWNER.user}/")


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
