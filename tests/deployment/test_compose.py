"""The service's profile of local/docker-compose.yml: database, migrations, session backend and API, seen answering."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deployment.test_image import STUB_MODEL

COMPOSE_FILE = Path(__file__).resolve().parents[2] / "local/docker-compose.yml"
START_SECONDS = 120

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Of the API and of the session backend; a stub instead of the model, ports of their own."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / "echo_model.py").write_text(STUB_MODEL)
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)
    ports = {"POSTGRES_PORT": free_port(), "PORT": free_port()}
    backend_port = free_port()
    services = {
        "session-backend": {"environment": {"PORT": str(backend_port)}},
        "api": {"environment": {"PYTHONPATH": "/app:/model"}, "volumes": [f"{folder}:/model:ro"]},
    }
    (folder / "override.json").write_text(json.dumps({"services": services}))
    variables = {"COMPOSE_PROFILES": "service", "MODEL_PROVIDER": "echo_model:Echo", **ports}
    (folder / "env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    files = ["--file", str(COMPOSE_FILE), "--file", str(folder / "override.json")]
    command = [*program, "--project-name", f"test-{ports['PORT']}", "--env-file", str(folder / "env"), *files]
    try:
        subprocess.run([*command, "up", "--detach", "--no-build"], check=True, capture_output=True)
        yield f"http://127.0.0.1:{ports['PORT']}", f"http://127.0.0.1:{backend_port}"
    finally:
        subprocess.run([*command, "down", "--volumes"], check=True, capture_output=True)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def test_the_api_and_the_session_backend_answer_from_one_database(urls: tuple[str, str]) -> None:
    api, backend = urls
    wait_for(f"{api}/health/ready")
    wait_for(f"{backend}/health/ready")
    body = {"prompt": "Hello", "session_id": "user-123"}
    assert httpx.post(f"{api}/process", json=body, timeout=60).json()["response"] == "1 messages"
    assert httpx.post(f"{backend}/api/v1/sessions", json={"session_id": "other"}).status_code == 201
    listed = httpx.get(f"{api}/sessions").json()["sessions"]
    assert [session["session_id"] for session in listed] == ["other", "user-123"]
