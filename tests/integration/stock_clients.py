"""What stock clients post, to the functions that answer them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent.models import build_model_once
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import ALICE, Answer, Edge, HttpApi, load_handler

FUNCTIONS = ("sessions", "process", "process_streaming", "run_events")


@contextmanager
def open_api(edge: Edge, database_url: str, **variables: str) -> Iterator[HttpApi]:
    """variables: of the functions' environment."""
    environment = {"SESSION_BACKEND_URL": database_url, "MODEL_PROVIDER": "tests.support.scripted_model:build"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment, **variables}.items():
            patch.setenv(name, value)
        build_model_once.cache_clear()
        yield HttpApi(edge, **{name: load_handler(name) for name in FUNCTIONS})
    open_store(StoreSettings(url=database_url)).close()


def said(content: Any, number: int = 1) -> dict[str, Any]:
    return {"id": f"message-{number}", "role": "user", "content": content}


def run(api: HttpApi, thread: str, *messages: dict[str, Any], run_id: str = "run-1", **more: Any) -> Answer:
    headers, user = more.pop("headers", {}), more.pop("user", ALICE)
    body = {"threadId": thread, "runId": run_id, "messages": messages, **more}
    return api.call("POST", "/ag-ui", body=body, headers=headers, user=user)


def events(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    return [json.loads(frame.partition("data: ")[2]) for frame in answer.body.split("\n\n") if "data: " in frame]


def chat(api: HttpApi, thread: str, *parts: dict[str, Any], role: str = "user", **more: Any) -> Answer:
    user = more.pop("user", ALICE)
    body = {"id": thread, "messages": [{"id": "message-1", "role": role, "parts": parts}], **more}
    return api.call("POST", "/chat", body=body, user=user)
