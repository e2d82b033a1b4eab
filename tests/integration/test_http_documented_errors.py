"""Every documented error, met: table, OpenAPI document and behaviour hold together."""

import os
from collections.abc import Callable

import psycopg
import pytest

from tests.integration.stage import DOCUMENT, Stage, check_schema
from tests.support.http_api import RECORDED, Answer, event_of, load_handler

HISTORY = "/sessions/{session_id}/history"

RUN = "/runs/{run_id}"

FORKS = "/sessions/{session_id}/forks"

NO_MEMORY = "00000000-0000-4000-8000-000000000000"

ATTACHMENT = "/sessions/{session_id}/attachments/{attachment_id}"


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
