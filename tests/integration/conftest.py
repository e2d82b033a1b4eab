import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.models import build_model_once
from local.gateway import Gateway
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.integration.stage import Stage
from tests.support.http_api import HttpApi, load_handler
from tests.support.server import serving


@pytest.fixture
def gateway_client(scripted_gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=scripted_gateway.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module", params=["api_gateway", "asgi"])
def streaming_url(
    request: pytest.FixtureRequest, shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of runtime processes behind the gateway, or of a server of many requests at once; the model is scripted."""
    if request.param == "api_gateway":
        yield request.getfixturevalue("scripted_gateway").url
        return
    with serving(tmp_path_factory.mktemp("server"), shared_database_url) as server:
        yield server.url


@pytest.fixture
def streaming_client(streaming_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=streaming_url, timeout=60) as client:
        yield client


@pytest.fixture
def client(gateway_client: httpx.Client) -> httpx.Client:
    return gateway_client


@pytest.fixture
def session_id() -> str:
    """Another one for each test: the tests of a module share a database."""
    return uuid.uuid4().hex


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture(params=["api_gateway", "asgi"])
def api(
    request: pytest.FixtureRequest, database_url: str, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    monkeypatch.setenv("MODEL_PROVIDER", "tests.support.scripted_model:build")
    monkeypatch.setenv("SCRIPTED_MODEL_CALLS", str(calls))
    build_model_once.cache_clear()  # a model a process, and this process has several
    yield HttpApi(request.param, sessions=load_handler("sessions"), process=load_handler("process"))
    open_store(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()


@pytest.fixture(params=["api_gateway", "asgi"])
def stage(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setenv("MODEL_PROVIDER", "tests.support.scripted_model:build")
    made = Stage(HttpApi(request.param), tmp_path, monkeypatch)
    made.reload(SESSION_BACKEND_URL=database_url)
    yield made
    open_store(StoreSettings(url=database_url)).close()
