"""The whole API with a model that waits when it is asked to, and the document that it serves."""

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.operations.service import OPENAPI_FILE
from tests.support.http_api import Answer, HttpApi, load_handler

DOCUMENT = json.loads(OPENAPI_FILE.read_text())


class Stage:
    """The API, and a model that waits for a file."""

    def __init__(self, api: HttpApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api, self.monkeypatch = api, monkeypatch
        self.go_on = folder / "go-on"

    def ask(self, prompt: Any = "Hello", *, members: Any = None, **more: Any) -> Answer:
        body = {"prompt": prompt, "session_id": "user-123", **(members or {})}
        return self.api.call("POST", "/process", body=body, **more)

    @contextlib.contextmanager
    def in_flight(self, **more: Any) -> Iterator[tuple[str, "Future[Answer]"]]:
        """A run whose model waits until the block ends, and then asks for a tool: its id and its answer to come."""
        script = f'wait-for: {self.go_on}\ntool: calculator {{"expression": "1+1"}}\nthen\nsay: done'
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(self.ask, script, **more)
            while not answer.done() and not self.api.call("GET", "/sessions").json["sessions"]:
                pass
            try:
                yield self.ask().json["run_id"], answer
            finally:
                self.go_on.touch()

    def reload(self, **environment: str) -> None:
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)
        self.api.handlers = {name: load_handler(name) for name in ("sessions", "process", "run_events")}


def check_schema(name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(value)
