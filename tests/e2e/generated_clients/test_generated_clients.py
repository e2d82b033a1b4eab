"""Clients that generators make of the OpenAPI document, type-checked, and each operation called once by each."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.operations.service import OPENAPI_FILE
from infra_cdk import NODE
from infra_cdk.node import install
from local.gateway import Gateway

pytestmark = pytest.mark.examples

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
PYTHON = ROOT / ".local/openapi-client/bin/python"


@pytest.fixture(autouse=True, scope="module")
def generated() -> Path:
    folder = FOLDER / "generated"
    folder.mkdir(exist_ok=True)
    return folder


def run(*command: str | Path) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def operations_in(requests: str) -> set[str]:
    """Those that the lines `METHOD /path` call."""
    return {name for line in requests.splitlines() for name, pattern in _patterns() if re.fullmatch(pattern, line)}


def every_operation() -> set[str]:
    return {name for name, _ in _patterns()}


def _patterns() -> Iterator[tuple[str, str]]:
    for path, methods in json.loads(OPENAPI_FILE.read_text())["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        for method, operation in methods.items():
            yield operation["operationId"], f"{method.upper()} {pattern}"


def test_openapi_typescript(generated: Path, scripted_gateway: Gateway) -> None:
    install(FOLDER)
    run(NODE, "node_modules/openapi-typescript/bin/cli.js", OPENAPI_FILE, "--output", generated / "schema.d.ts")
    run(NODE, "node_modules/typescript/bin/tsc", "--project", ".")
    assert operations_in(run(NODE, "calls.ts", scripted_gateway.url)) == every_operation()


def test_openapi_python_client(generated: Path, scripted_gateway: Gateway) -> None:
    package = generated / "agent_sessions"
    options = ["--output-path", package, "--meta", "none", "--overwrite", "--config", "openapi_python_client.yml"]
    command = ["-m", "openapi_python_client", "generate", "--path", OPENAPI_FILE, *options]
    assert "WARNING" not in run(PYTHON, *command)
    run(sys.executable, "-m", "pyright", "--pythonpath", PYTHON, "calls.py")
    assert operations_in(run(PYTHON, "calls.py", scripted_gateway.url)) == every_operation()
