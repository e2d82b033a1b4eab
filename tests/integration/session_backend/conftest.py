from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from local.gateway import Gateway
from session_store.http import HttpStore
from session_store.settings import StoreSettings
from tests.integration.session_backend.requests import Ask, ask_at
from tests.support.http_api import Answer
from tests.support.relay import Relay, relay_to


@pytest.fixture(scope="module")
def gateway(shared_database_url: str) -> Iterator[Gateway]:
    with Gateway({"SESSION_BACKEND_URL": shared_database_url}, port=0, backend_port=0) as gateway:
        yield gateway


@pytest.fixture
def ask(gateway: Gateway) -> Ask:
    def send(method: str, path: str, body: Any = None, **options: Any) -> Answer:
        return ask_at(gateway.backend_port, method, f"/api/v1{path}", body, **options)

    return send


@pytest.fixture
def database(shared_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty(database: psycopg.Connection[Any]) -> None:
    database.execute("DELETE FROM sessions")


@pytest.fixture
def relay(gateway: Gateway) -> Iterator[Relay]:
    with relay_to(gateway.backend_port) as relay:
        yield relay


@pytest.fixture
def store(relay: Relay) -> Iterator[HttpStore]:
    opened = HttpStore(StoreSettings(url=relay.url))
    yield opened
    opened.close()
