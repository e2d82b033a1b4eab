"""The API in Lambda's own containers: what the README shows, and the seed's six calls, with a real small model."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sam.api import ROOT, SAM_CLI
from local.sam.docker import engine_architecture
from local.sam.errors import DockerError
from local.sam.stack import SamStack

PROJECT = "strands-sessions-test"
ALICE = {"prompt": "Hello, my name is Alice", "session_id": "user-123"}
NAME = {"prompt": "What is my name?", "session_id": "user-123"}
STORY = {"prompt": "Tell me a story", "session_id": "user-123"}

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    _skip_without_engine()
    # Kept when the tests have ended: the log in it says what went wrong.
    folder = ROOT / ".local/sam-test"
    with SamStack(folder, PROJECT, _free_port(), variables={"POSTGRES_PORT": "0"}, keep_data=False) as stack:
        yield stack.api.url
    assert _left_behind("ps", "--all") == []
    assert _left_behind("volume", "ls") == []
    assert _left_behind("network", "ls") == []


def _skip_without_engine() -> None:
    try:
        engine_architecture()
    except DockerError as error:
        pytest.skip(f"no Docker engine answers: {error}")
    if not SAM_CLI.exists():
        pytest.skip("SAM CLI is not installed: `make test-sam` installs it")


def _left_behind(*listing: str) -> list[str]:
    found = subprocess.run(
        ["docker", *listing, "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.split()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def curl(tmp_path: Path, method: str, url: str, body: object = None) -> tuple[int, str, str]:
    """Status, head and body."""
    data = ["--header", "Content-Type: application/json", "--data", json.dumps(body)] if body else []
    head, answer = tmp_path / "head", tmp_path / "body"
    options = [
        "--noproxy",
        "*",
        "--silent",
        "--show-error",
        "--max-time",
        "120",
        "--write-out",
        "%{http_code}",
        "--request",
        method,
    ]
    files = ["--dump-header", str(head), "--output", str(answer)]
    done = subprocess.run(["curl", *options, *files, *data, url], capture_output=True, text=True, check=True)
    return int(done.stdout), head.read_text(), answer.read_text() if answer.exists() else ""


def test_the_six_calls_are_answered(api_url: str, tmp_path: Path) -> None:
    status, _, body = curl(tmp_path, "POST", f"{api_url}/process", ALICE)
    assert (status, json.loads(body)["session_id"]) == (200, "user-123")

    status, _, body = curl(tmp_path, "POST", f"{api_url}/process", NAME)
    assert status == 200
    assert "Alice" in json.loads(body)["response"]

    status, _, body = curl(tmp_path, "GET", f"{api_url}/sessions")
    assert [session["session_id"] for session in json.loads(body)["sessions"]] == ["user-123"]

    status, _, body = curl(tmp_path, "GET", f"{api_url}/sessions/user-123/history")
    texts = [message["message"]["content"][0]["text"] for message in json.loads(body)["messages"]]
    assert (len(texts), texts[0], texts[2]) == (4, ALICE["prompt"], NAME["prompt"])

    status, head, body = curl(tmp_path, "POST", f"{api_url}/process-streaming", STORY)
    events = [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line.startswith("data: ")]
    assert status == 200
    assert "content-type: text/event-stream" in head.lower()
    assert (events[0]["type"], events[-1]["type"]) == ("RUN_STARTED", "RUN_FINISHED")

    status, _, _ = curl(tmp_path, "DELETE", f"{api_url}/sessions/user-123")
    assert status == 204
    assert curl(tmp_path, "GET", f"{api_url}/sessions/user-123/history")[0] == 404


def test_the_stream_arrives_whole(api_url: str, tmp_path: Path) -> None:
    """SAM's emulator cannot stream: the length is known before the first byte."""
    _, head, body = curl(tmp_path, "POST", f"{api_url}/process-streaming", {**ALICE, "session_id": "whole"})
    assert f"content-length: {len(body.encode())}" in head.lower()


def test_the_demo_runs_unchanged(api_url: str) -> None:
    subprocess.run(["make", "demo", f"API_URL={api_url}"], cwd=ROOT, check=True)
