import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.models import build_model_once
from local.gateway import Gateway
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import HttpApi, load_handler


@pytest.fixture
def client(scripted_gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=scripted_gateway.url, timeout=60) as client:
        yield client


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
