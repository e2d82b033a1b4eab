"""`python -m api.app`, a process that serves many requests at once."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from session_store.background_runs import MAXIMUM_BODY_BYTES
from tests.support import blocking_agent
from tests.support.server import Server, serving
from tests.support.waiting import wait_until

STREAMS = 200


@pytest.fixture(scope="module")
def server(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, shared_database_url, AGENT_FACTORY=blocking_agent.FACTORY) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def ask(client: httpx.Client, prompt: str, **more: Any) -> httpx.Response:
    return client.post("/process", json={"prompt": prompt, **more})


def test_the_six_commands_of_the_readme_work(client: httpx.Client) -> None:
    first = ask(client, "Hello, my name is Alice", session_id="user-123")
    second = ask(client, "echo-history:", session_id="user-123")
    stream = client.post("/process-streaming", json={"prompt": "Tell me a story", "session_id": "user-123"})

    assert first.json()["response"] == "You said: Hello, my name is Alice"
    assert "my name is Alice" in second.json()["response"]
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "RUN_FINISHED" in stream.text
    assert client.get("/sessions").json()["sessions"][0]["message_count"] == 6
    assert len(client.get("/sessions/user-123/history").json()["messages"]) == 6
    assert client.delete("/sessions/user-123").status_code == 204
    assert client.get("/sessions/user-123/history").status_code == 404


def test_many_streams_at_once_are_all_answered_and_stored(server: Server, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"

    async def stream(client: httpx.AsyncClient, number: int, begun: list[int]) -> str:
        body = {"prompt": f"wait-for: {go_on}\nsay: answer {number}", "session_id": f"stream-{number}"}
        async with client.stream("POST", "/process-streaming", json=body) as response:
            text = ""
            async for piece in response.aiter_text():
                if not text:
                    begun.append(number)
                    if len(begun) == STREAMS:  # all of them are under way before one may end
                        go_on.touch()
                text += piece
            return text

    async def stream_all() -> list[str]:
        begun: list[int] = []
        limits = httpx.Limits(max_connections=STREAMS)
        async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
            return await asyncio.gather(*(stream(client, number, begun) for number in range(STREAMS)))

    answers = asyncio.run(stream_all())

    assert [f'"response":"answer {number}"' in text for number, text in enumerate(answers)] == [True] * STREAMS
    assert sum(text.count("RUN_FINISHED") for text in answers) == STREAMS


def test_a_tool_that_blocks_holds_nobody_up(server: Server, client: httpx.Client) -> None:
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(ask, client, 'tool: block_for {"seconds": 2}\nthen\nsay: late', session_id="blocked")
        wait_until(lambda: "blocked" in client.get("/sessions").text)
        started = time.monotonic()
        assert ask(client, "Hello").status_code == 200
        assert not slow.done()
        assert time.monotonic() - started < 2
        assert slow.result().json()["response"] == "late"


def test_a_turn_goes_on_when_its_client_hangs_up(client: httpx.Client, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    body = {"prompt": f"wait-for: {go_on}\nsay: heard by nobody", "session_id": "left"}
    with client.stream("POST", "/process-streaming", json=body) as response:
        run_id = response.headers["Run-Id"]
    go_on.touch()

    wait_until(lambda: client.get(f"/runs/{run_id}").json()["status"] == "completed")
    assert client.get(f"/runs/{run_id}").json()["answer"]["response"] == "heard by nobody"


def test_a_run_can_be_left_and_found_again(client: httpx.Client, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    accepted = client.post("/runs", json={"prompt": f"wait-for: {go_on}\nsay: found again", "session_id": "background"})
    run_id = accepted.json()["run_id"]
    assert (accepted.status_code, accepted.headers["location"]) == (202, f"/runs/{run_id}")
    wait_until(lambda: client.get(f"/runs/{run_id}").json()["status"] == "running")
    assert client.get("/ping").json()["status"] == "HealthyBusy"  # AgentCore would end an idle container
    with client.stream("GET", f"/runs/{run_id}/events") as watched:
        next(watched.iter_text())
    go_on.touch()

    events = client.get(f"/runs/{run_id}/events").text  # to its end

    assert "RUN_FINISHED" in events
    assert "found again" in events
    assert client.get(f"/runs/{run_id}").json()["answer"]["response"] == "found again"


def test_a_run_that_cannot_begin_says_why(client: httpx.Client) -> None:
    run_id = client.post("/runs", json={"prompt": ""}).json()["run_id"]
    wait_until(lambda: client.get(f"/runs/{run_id}").json()["status"] == "refused")
    assert client.get(f"/runs/{run_id}").json()["problem"]["code"] == "invalid_request"


def test_a_path_is_read_as_it_is_encoded(client: httpx.Client) -> None:
    for encoded in ("a%2Fb", "50%25%252F", "k%C3%A4se", "%20x"):
        ask(client, "Hello", session_id=httpx.URL(f"http://x/{encoded}").path[1:])
        assert client.get(f"/sessions/{encoded}/history").status_code in (200, 422)
    assert client.get("/sessions/a%2Fb/history").json()["session_id"] == "a/b"
    for broken in ("a%0Ab", "%00", "%ff"):
        assert client.get(f"/sessions/{broken}/history").status_code == 422


def test_run_that_is_too_large_for_the_deployed_queue_is_refused_here_too(client: httpx.Client) -> None:
    answer = client.post("/runs", json={"prompt": "x" * MAXIMUM_BODY_BYTES})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_what_is_too_large_is_refused_with_its_reason(client: httpx.Client) -> None:
    answer = ask(client, "x" * 3_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_the_console_and_the_reference_are_served(client: httpx.Client) -> None:
    assert "<title>" in client.get("/").text
    assert client.get("/console/console.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/openapi.json").json()["servers"][0]["url"] == "/"
    assert client.get("/nothing").json()["code"] == "route_not_found"


def test_metrics_have_a_port_of_their_own(server: Server, client: httpx.Client) -> None:
    assert client.get("/metrics").status_code == 404
    ask(client, "Hello")
    ask(client, "fail: no model")

    text = httpx.get(server.metrics_url).text

    assert 'agent_sessions_request_seconds_count{route="POST /process",status="200"}' in text
    for name in ("runs_total", "failed_runs_total", "run_time_seconds_count", "input_tokens_total"):
        assert f"agent_sessions_{name} 0.0" not in text
        assert f"\nagent_sessions_{name} " in text
    assert "session" not in {label for line in text.splitlines() for label in line.split("{")[1:]}


def test_each_line_of_the_log_has_the_id_of_its_request(server: Server, client: httpx.Client) -> None:
    refused = ask(client, "fail: a secret of the caller")
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    mine = [line for line in lines if line.get("correlation_id") == refused.json()["request_id"]]
    assert {line["message"] for line in mine} == {"request", "request failed"}
    assert "a secret of the caller" not in server.log.read_text()


def test_agent_core_has_its_two_routes(client: httpx.Client) -> None:
    session = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "s" * 33}
    whole = client.post("/invocations", json={"prompt": "say: whole"}, headers=session)
    streamed = client.post(
        "/invocations", json={"prompt": "say: streamed"}, headers={**session, "Accept": "text/event-stream"}
    )

    assert client.get("/ping").json()["status"] == "Healthy"
    assert (whole.json()["session_id"], whole.json()["response"]) == ("s" * 33, "whole")
    assert "RUN_FINISHED" in streamed.text
    assert len(client.get(f"/sessions/{'s' * 33}/history").json()["messages"]) == 4


def test_agent_core_takes_what_clients_of_ag_ui_send(client: httpx.Client) -> None:
    message = {"id": "1", "role": "user", "content": "say: by AG-UI"}
    given = {"threadId": "ag-ui", "runId": "1", "messages": [message], "tools": [], "context": [], "state": {}}
    headers = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "s" * 33, "Accept": "text/event-stream"}
    events = client.post("/invocations", json=given, headers=headers).text
    assert '"type":"RUN_STARTED","threadId":"ag-ui"' in events
    assert "by AG-UI" in events
    assert "RUN_FINISHED" in events
    assert len(client.get("/sessions/ag-ui/history").json()["messages"]) == 2


def test_a_server_is_ready_while_its_database_has_this_versions_schema(
    server: Server, client: httpx.Client, shared_database_url: str
) -> None:
    assert client.get("/health/ready").json() == {"status": "ok"}
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE schema_migrations RENAME TO schema_migrations_away")
        unready = client.get("/health/ready")
        connection.execute("ALTER TABLE schema_migrations_away RENAME TO schema_migrations")

    assert (unready.status_code, unready.json()["code"]) == (503, "not_migrated")
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/health/ready").status_code == 200
