"""The shipped agent, served as it is. These tests, like its tools, are yours to replace."""

import pytest

from agent.models import build_model_once
from api.settings import Settings
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import HttpApi, load_handler


def test_the_shipped_agent_is_what_is_served(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    monkeypatch.setenv("MODEL_PROVIDER", "tests.support.scripted_model:build")
    monkeypatch.setenv("AGENT_FACTORY", Settings.agent_factory)
    build_model_once.cache_clear()
    api = HttpApi(process=load_handler("process"))

    answer = api.call("POST", "/process", body={"prompt": 'tool: remember_note {"note": "tea"}\ntool: list_notes {}'})

    assert answer.json["response"] == "Result: Kept as note 1. | 1. tea"
    open_store(StoreSettings(url=database_url)).close()
