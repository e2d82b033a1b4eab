"""Every documented error, met: table, OpenAPI document and behaviour hold together."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from jsonschema import Draft202012Validator

from api.operations.service import OPENAPI_FILE
from local.gateway.table import load_table
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import RECORDED, ROOT, Answer, HttpApi, event_of, load_handler

DOCUMENT = json.loads(OPENAPI_FILE.read_text())
HISTORY = "/sessions/{session_id}/history"
AGENT = "/sessions/{session_id}/agents/{agent_id}"
RUN = "/runs/{run_id}"
ATTACHMENT = "/sessions/{session_id}/attachments/{attachment_id}"
FORKS = "/sessions/{session_id}/forks"
NO_MEMORY = "00000000-0000-4000-8000-000000000000"


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


@pytest.fixture(params=["api_gateway", "asgi"])
def stage(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setenv("MODEL_PROVIDER", "tests.support.scripted_model:build")
    made = Stage(HttpApi(request.param), tmp_path, monkeypatch)
    made.reload(SESSION_BACKEND_URL=database_url)
    yield made
    open_store(StoreSettings(url=database_url)).close()


def awaiting_response(stage: Stage) -> Answer:
    return stage.ask([{"interruptResponse": {"interruptId": "i", "response": True}}])


def idempotency_key_reused(stage: Stage) -> Answer:
    stage.ask("Hello", headers={"Idempotency-Key": "k"})
    return stage.ask("Other", headers={"Idempotency-Key": "k"})


def session_busy(stage: Stage) -> Answer:
    with stage.in_flight():
        return stage.ask()


def run_in_progress(stage: Stage) -> Answer:
    key = {"Idempotency-Key": "k"}
    with stage.in_flight(headers=key):
        return stage.ask(
            f'wait-for: {stage.go_on}\ntool: calculator {{"expression": "1+1"}}\nthen\nsay: done', headers=key
        )


def lease_lost(stage: Stage) -> Answer:
    with stage.in_flight() as (_, answer):
        assert stage.api.call("DELETE", "/sessions/{session_id}", session_id="user-123").status == 204
    return answer.result()


def run_cancelled(stage: Stage) -> Answer:
    with stage.in_flight() as (run_id, answer):
        accepted = stage.api.call("POST", RUN + "/cancel", run_id=run_id)
        assert (accepted.status, accepted.json["cancel_requested"]) == (202, True)
    assert stage.api.call("GET", RUN, run_id=run_id).json["status"] == "cancelled"
    return answer.result()


def run_deadline(stage: Stage) -> Answer:
    stage.reload(RUN_TIMEOUT_SECONDS="1")
    return stage.ask(f"wait-for: {stage.go_on}")


def model_throttled(stage: Stage) -> Answer:
    stage.reload(RUN_TIMEOUT_SECONDS="1")
    answer = stage.ask("throttle")
    assert int(answer.headers["Retry-After"]) > 0
    return answer


def rejoin_refused(stage: Stage) -> Answer:
    stage.api.handlers["process_streaming"] = load_handler("process_streaming")
    answer = stage.api.call(
        "POST", "/process-streaming", body={"prompt": "Hello"}, headers={"Last-Event-ID": "2", "Idempotency-Key": "k"}
    )
    assert stage.api.call("GET", "/sessions").json["sessions"] == []
    return answer


def events_gone(stage: Stage) -> Answer:
    run_id = stage.ask().json["run_id"]  # of `/process`, which has no stream
    return stage.api.call("GET", RUN + "/events", run_id=run_id)


def budget_exhausted(stage: Stage) -> Answer:
    stage.reload(OWNER_RUNS_PER_MINUTE="1")
    stage.ask()
    refused = stage.ask()
    assert (refused.json["runs_left"], refused.json["tokens_left"]) == (0, None)
    return refused


def end_user_refused(stage: Stage) -> Answer:
    event = event_of("GET", "/sessions", None, "", {})
    claims = {"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a", "sub": "alice"}
    event["requestContext"]["authorizer"] = {"claims": claims}
    event["headers"] |= {"End-User": "bob"}
    return stage.api.send(event)


def store_unavailable(stage: Stage) -> Answer:
    stage.reload(SESSION_BACKEND_URL="postgresql://nobody:x@127.0.0.1:1/none")
    return stage.ask()


def damaged_record(stage: Stage) -> Answer:
    stage.ask()
    with psycopg.connect(os.environ["SESSION_BACKEND_URL"]) as connection:
        connection.execute("UPDATE messages SET message = '5' WHERE message_id = 0")
    return stage.ask()


def agent_not_found(stage: Stage) -> Answer:
    stage.ask()
    return stage.api.call("GET", HISTORY, session_id="user-123", query="agent_id=other")


def message_not_found(stage: Stage) -> Answer:
    stage.ask()
    return stage.ask(members={"from_message_id": 9})


def already_exists(stage: Stage) -> Answer:
    stage.ask()
    return stage.api.call("POST", FORKS, session_id="user-123", body={"session_id": "user-123"})


def ask_for_upload(stage: Stage) -> Answer:
    body = {"format": "png", "size_bytes": 1}
    return stage.api.call("POST", "/sessions/{session_id}/uploads", session_id="user-123", body=body)


def uploads_unavailable(stage: Stage) -> Answer:
    stage.reload(UPLOAD_FOLDER="/dev/null")
    return ask_for_upload(stage)


ERRORS: dict[str, Callable[[Stage], Answer]] = {
    "malformed_request": lambda stage: stage.api.call("POST", "/process", text="{"),
    "unauthorized": lambda stage: stage.ask(user=None),
    "unsupported_media_type": lambda stage: stage.ask(headers={"Content-Type": "text/plain"}),
    "payload_too_large": lambda stage: stage.ask("x" * 100_001),
    "invalid_request": lambda stage: stage.ask(""),
    "idempotency_key_reused": idempotency_key_reused,
    "session_not_found": lambda stage: stage.api.call("GET", HISTORY, session_id="none"),
    "agent_not_found": agent_not_found,
    "attachment_not_found": lambda stage: stage.api.call("GET", ATTACHMENT, session_id="none", attachment_id="0-0"),
    "cursor_not_found": lambda stage: stage.api.call("GET", "/sessions", query="cursor=none"),
    "memory_not_found": lambda stage: stage.api.call("DELETE", "/memories/{memory_id}", memory_id=NO_MEMORY),
    "message_not_found": message_not_found,
    "already_exists": already_exists,
    "damaged_record": damaged_record,
    "run_not_found": lambda stage: stage.api.call("GET", RUN, run_id="none"),
    "session_busy": session_busy,
    "run_in_progress": run_in_progress,
    "lease_lost": lease_lost,
    "awaiting_response": awaiting_response,
    "run_cancelled": run_cancelled,
    "model_failed": lambda stage: stage.ask("fail: an internal secret"),
    "model_throttled": model_throttled,
    "rejoin_refused": rejoin_refused,
    "events_gone": events_gone,
    "budget_exhausted": budget_exhausted,
    "end_user_refused": end_user_refused,
    "run_deadline": run_deadline,
    "store_unavailable": store_unavailable,
    "uploads_not_taken": ask_for_upload,
    "uploads_unavailable": uploads_unavailable,
}


WAITING_HELPS = {
    *("budget_exhausted", "session_busy", "run_in_progress", "model_throttled", "store_unavailable"),
    "uploads_unavailable",
}


def test_no_documented_error_is_left_out() -> None:
    assert set(ERRORS) == set(DOCUMENT["components"]["examples"])


@pytest.mark.parametrize("code", ERRORS)
def test_a_documented_error_is_met_as_documented(stage: Stage, code: str) -> None:
    answer = ERRORS[code](stage)

    example = DOCUMENT["components"]["examples"][code]["value"]
    assert answer.code == code
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {name: answer.json[name] for name in ("type", "title", "status")} == {
        name: example[name] for name in ("type", "title", "status")
    }
    assert answer.status == example["status"]
    recorded = RECORDED["requestContext"]["requestId"]  # of API Gateway; an ASGI server has none, so the edge makes one
    assert (answer.json["request_id"] == recorded) == (stage.api.edge == "api_gateway")
    assert ("Retry-After" in answer.headers) == (code in WAITING_HELPS)
    assert "secret" not in answer.body
    check_schema("ProblemDetails", answer.json)


def test_answers_have_the_documented_shape(stage: Stage) -> None:
    asked = stage.ask()
    check_schema("ProcessAnswer", asked.json)
    check_schema("SessionList", stage.api.call("GET", "/sessions").json)
    check_schema("History", stage.api.call("GET", HISTORY, session_id="user-123").json)
    check_schema("Fork", stage.api.call("POST", FORKS, session_id="user-123", body={}).json)
    check_schema("Session", stage.api.call("GET", "/sessions/{session_id}", session_id="user-123").json)
    check_schema("Agent", stage.api.call("GET", AGENT, session_id="user-123", agent_id="default").json)
    check_schema("Run", stage.api.call("GET", RUN, run_id=asked.json["run_id"]).json)
    check_schema("RunList", stage.api.call("GET", "/sessions/{session_id}/runs", session_id="user-123").json)
    check_schema("UsageReport", stage.api.call("GET", "/usage").json)
    check_schema("Health", stage.api.call("GET", "/health").json)
    check_schema("DatabaseHealth", stage.api.call("GET", "/health/db").json)
    served = stage.api.call("GET", "/openapi.json").json
    stage_prefix = "/prod" if stage.api.edge == "api_gateway" else "/"  # as the recorded event has it
    assert served["servers"] == [{**DOCUMENT["servers"][0], "url": stage_prefix}]
    assert {**served, "servers": DOCUMENT["servers"]} == DOCUMENT
    page = stage.api.call("GET", "/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_route_of_the_table_is_served_by_its_function(stage: Stage) -> None:
    for route in load_table(ROOT / "functions/functions.toml").deployed():
        if route.function.name in stage.api.handlers:
            names = dict.fromkeys(("session_id", "run_id", "agent_id", "attachment_id", "chat_id"), "none")
            names |= {"memory_id": NO_MEMORY, "file": "marked.js" if "/vendor/" in route.path else "main.js"}
            answer = stage.api.call(route.method, route.path, **names)
            assert "route_not_found" not in answer.body, route


def test_what_is_not_served_is_404(stage: Stage) -> None:
    answer = stage.api.call("GET", "/nothing")
    assert (answer.status, answer.code) == (404, "route_not_found")


def test_no_header_path_or_body_makes_another_owner(stage: Stage) -> None:
    stage.ask()
    forged = {
        "Authorization": "AIDAALICE",
        "X-Amzn-Oidc-Identity": "AIDAALICE",
        "X-Owner": "iam:AIDAALICE",
        "X-Forwarded-User": "AIDAALICE",
        "owner": "iam:AIDAALICE",
    }
    theirs = {"user": "AIDABOB", "headers": forged}
    assert stage.api.call("GET", "/sessions", **theirs).json["sessions"] == []
    assert stage.api.call("GET", HISTORY, session_id="user-123", **theirs).status == 404
    assert stage.api.call("GET", HISTORY, session_id="user-123", query="owner=iam:AIDAALICE", **theirs).status == 422
    assert stage.api.call("GET", HISTORY, session_id="iam:AIDAALICE/user-123", **theirs).status == 404
    assert stage.ask("echo-history:", **theirs).json["response"].startswith("1: ")


def check_schema(name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(value)
