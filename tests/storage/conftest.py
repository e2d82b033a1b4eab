"""What an application has that takes the wheel alone: a repository, its values and its memories, in one database."""

from collections.abc import Iterator

import pytest

from session_store import PostgreSQLStorage
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings


@pytest.fixture(scope="module")
def module_store(shared_database_url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=shared_database_url, pool_size=4))
    yield opened
    opened.close()


@pytest.fixture
def owner(request: pytest.FixtureRequest) -> str:
    """Another one for each test: the tests of a module share a database."""
    return f"owner of {request.node.name}"[:200]


@pytest.fixture
def repository(module_store: PostgreSQLStore, owner: str) -> PostgreSQLSessionRepository:
    return PostgreSQLSessionRepository(store=module_store, owner=owner)


@pytest.fixture
def outside(module_store: PostgreSQLStore, owner: str) -> PostgreSQLStorage:
    return PostgreSQLStorage(store=module_store, owner=owner)
