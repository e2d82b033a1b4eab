import pytest

from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from tests.integration.turns.turning import OWNER, Turns


@pytest.fixture
def turns(store: PostgreSQLStore) -> Turns:
    return Turns(store)


@pytest.fixture
def repository(store: PostgreSQLStore) -> PostgreSQLSessionRepository:
    return PostgreSQLSessionRepository(store=store, owner=OWNER)
