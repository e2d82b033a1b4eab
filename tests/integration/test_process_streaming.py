"""The streaming route on real runtime processes and on a server, the model scripted by the prompt."""

import json
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from ag_ui.core import BaseEvent, Event
from pydantic import TypeAdapter

from tests.support.streams import streaming
from tests.support.waiting import wait_until

EVENTS: TypeAdapter[BaseEvent] = TypeAdapter(Event)


def frames(response: httpx.Response) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for line in response.iter_lines():
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
        elif line.startswith("data: "):
            yield number, json.loads(line.removeprefix("data: "))


def ask(client: httpx.Client, session_id: str, prompt: str, **headers: str) -> list[dict[str, Any]]:
    with streaming(client, session_id, prompt, **headers) as response:
        assert response.status_code == 200
        return [event for _, event in frames(response)]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def history(client: httpx.Client, session_id: str) -> list[dict[str, Any]]:
    return [entry["message"] for entry in client.get(f"/sessions/{session_id}/history").json()["messages"]]


@pytest.fixture
def client(streaming_client: httpx.Client) -> httpx.Client:
    return streaming_client


def test_stream_tells_a_run_in_events_that_the_official_models_parse(client: httpx.Client, session_id: str) -> None:
    prompt = 'say: Let me see.\ntool: calculator {"expression": "6*7"}\nthen\nsay: It is 42.'
    with streaming(client, session_id, prompt) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        numbered = list(frames(response))
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    events = [EVENTS.validate_python(event) for _, event in numbered]
    told = [event for _, event in numbered]
    assert list(dict.fromkeys(kinds(told))) == [
        *("RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TOOL_CALL_START"),
        *("TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT", "RUN_FINISHED"),
    ]
    assert events[-1].result["response"] == "It is 42."  # type: ignore[attr-defined]
    assert events[-1].result["timings"]["round_trips"] == 4  # type: ignore[attr-defined]
    assert next(event["content"] for event in told if event["type"] == "TOOL_CALL_RESULT") == "42"


def test_first_words_arrive_while_the_model_still_holds_back_the_rest(
    client: httpx.Client, session_id: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: first\nwait-for: {gate}\nsay: second") as response:
        words = (event["delta"] for _, event in frames(response) if event["type"] == "TEXT_MESSAGE_CONTENT")
        assert next(words) == "first"
        gate.touch()
        assert next(words) == "second"


def test_silent_model_does_not_leave_the_line_silent(client: httpx.Client, session_id: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: one\nwait-for: {gate}\nsay: two") as response:
        lines, began = response.iter_lines(), time.monotonic()
        assert ": heartbeat" in lines
        assert time.monotonic() - began < 15
        gate.touch()
        assert "RUN_FINISHED" in "".join(lines)


def test_bare_text_for_those_who_ask_for_it(client: httpx.Client, session_id: str) -> None:
    with streaming(client, session_id, "say: just these words", Accept="text/plain") as response:
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.read() == b"just these words"
    assert history(client, session_id)[-1]["content"] == [{"text": "just these words"}]


def test_error_before_the_first_event_is_an_ordinary_problem(client: httpx.Client, session_id: str) -> None:
    for accept in ("text/event-stream", "text/plain"):
        answer = client.post("/process-streaming", json={"session_id": session_id}, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["errors"][0]["field"] == "prompt"
    with streaming(client, session_id, "fail: secret words", Accept="text/plain") as response:
        assert response.status_code == 502
        assert json.loads(response.read())["code"] == "model_failed"
    assert client.get(f"/sessions/{session_id}/history").json()["messages"] == []


def test_busy_session_is_refused_with_the_seconds_to_wait(
    client: httpx.Client, session_id: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: one\nwait-for: {gate}") as response:
        events = frames(response)
        run_id = next(events)[1]["runId"]
        busy = client.post("/process-streaming", json={"prompt": "say: two", "session_id": session_id})
        gate.touch()
        assert [event["type"] for _, event in events][-1] == "RUN_FINISHED"
    assert busy.status_code == 409
    assert (busy.json()["code"], busy.json()["run_id"]) == ("session_busy", run_id)
    assert 1 <= int(busy.headers["retry-after"]) <= 30
    assert len(history(client, session_id)) == 2


def test_failure_midway_is_told_as_an_error_and_nothing_of_the_turn_stays(
    client: httpx.Client, session_id: str
) -> None:
    events = ask(client, session_id, "say: so far\nfail: secret words")
    assert kinds(events)[-1] == "RUN_ERROR"
    assert "RUN_FINISHED" not in kinds(events)
    assert events[-1]["code"] == "model_failed"
    assert "secret" not in json.dumps(events)
    assert client.get(f"/sessions/{session_id}/history").json()["messages"] == []


@pytest.mark.parametrize(
    ("accept", "last"), [("text/event-stream", "request failed"), ("text/plain", "the response broke off midway")]
)
def test_failure_midway_is_logged_by_its_request_without_the_words_of_the_model(
    gateway_client: httpx.Client, session_id: str, accept: str, last: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "local.gateway.environment")
    with (
        streaming(gateway_client, session_id, "say: so far\nfail: marmalade", Accept=accept) as response,
        suppress(httpx.RemoteProtocolError),
    ):
        response.read()
    wait_until(lambda: last in caplog.text and "status" in caplog.text)
    assert "marmalade" not in caplog.text
    lines = [json.loads(line.partition(" | ")[2]) for line in caplog.messages if '"level":' in line]
    ours = [line for line in lines if line["message"] in ("request", "request failed")]
    assert len(ours) == 2
    assert len({(line["correlation_id"], line["function_request_id"]) for line in ours}) == 1


def test_failure_after_a_tool_closes_the_turn_in_the_history(client: httpx.Client, session_id: str) -> None:
    events = ask(client, session_id, 'tool: calculator {"expression": "1+1"}\nthen\nfail: secret words')
    assert kinds(events)[-1] == "RUN_ERROR"
    assert [message["role"] for message in history(client, session_id)] == ["user", "assistant", "user", "assistant"]
    assert kinds(ask(client, session_id, "say: on we go"))[-1] == "RUN_FINISHED"


def test_tool_that_fails_is_a_result_for_the_model(client: httpx.Client, session_id: str) -> None:
    events = ask(client, session_id, 'tool: calculator {"expression": "1/0"}\nthen\nsay: cannot')
    assert "zero" in next(event["content"] for event in events if event["type"] == "TOOL_CALL_RESULT")
    assert kinds(events)[-1] == "RUN_FINISHED"


def test_success_is_told_only_after_the_commit(client: httpx.Client, session_id: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: one\nwait-for: {gate}") as response:
        events = frames(response)
        next(events)
        assert client.delete(f"/sessions/{session_id}").status_code == 204
        gate.touch()
        told = [event for _, event in events]
    assert told[-1]["type"] == "RUN_ERROR"
    assert told[-1]["code"] == "lease_lost"
    assert client.get(f"/sessions/{session_id}/history").status_code == 404


def test_run_goes_on_to_its_commit_when_the_client_is_gone(
    client: httpx.Client, session_id: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: one\nwait-for: {gate}\nsay:  two") as response:
        run_id = next(frames(response))[1]["runId"]
    gate.touch()
    wait_until(lambda: client.get(f"/runs/{run_id}").json()["status"] != "running")
    assert client.get(f"/runs/{run_id}").json()["status"] == "completed"
    assert [block["text"] for block in history(client, session_id)[-1]["content"]] == ["one", "two"]


def test_paused_stream_holds_no_transaction(
    client: httpx.Client, session_id: str, tmp_path: Path, shared_database_url: str
) -> None:
    gate = tmp_path / "gate"
    with streaming(client, session_id, f"say: one\nwait-for: {gate}") as response:
        events = frames(response)
        next(events)
        with psycopg.connect(shared_database_url) as connection:
            rows = connection.execute(
                "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'session-store'"
            ).fetchall()
        gate.touch()
        list(events)
    assert rows == [("idle",)]


def test_same_key_streams_the_stored_answer_without_a_second_model_call(client: httpx.Client, session_id: str) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = ask(client, session_id, "echo-history", **key)
    again = ask(client, session_id, "echo-history", **key)
    assert again[-1]["type"] == "RUN_FINISHED"
    assert again[-1]["result"]["response"] == first[-1]["result"]["response"]
    assert again[-1]["runId"] == first[-1]["runId"]
    assert len(history(client, session_id)) == 2
    other = client.post("/process-streaming", json={"prompt": "say: other", "session_id": session_id}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_server_names_a_new_session(client: httpx.Client) -> None:
    with client.stream("POST", "/process-streaming", json={"prompt": "say: hi"}) as response:
        events = [event for _, event in frames(response)]
    assert response.headers["session-id"] == events[0]["threadId"]
    assert len(events[0]["threadId"]) >= 22


@pytest.mark.parametrize("session_id", [" outer spaces ", "日本 é/%?"])
def test_session_id_that_no_header_can_carry_is_percent_encoded_there(client: httpx.Client, session_id: str) -> None:
    with streaming(client, session_id, "say: hi") as response:
        assert response.status_code == 200
        events = [event for _, event in frames(response)]
    assert response.headers["session-id"] == quote(session_id, safe="")
    assert events[0]["threadId"] == session_id
