"""A function's cold start: its runtime process from start to the first answer, and where the imports' time goes."""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from infra_cdk import layer_build
from local.database import EmbeddedDatabase
from local.gateway import Gateway
from tests.benchmarks.contest import create_database

ROOT = Path(__file__).resolve().parents[2]
TIMES = 7
STRANDS = "import strands alone"
FUNCTIONS = (
    "sessions",
    "session_backend",
    "expire",
    "migrate",
    "process",
    "process_streaming",
    "process_background",
    "run_events",
)
LAMBDA_PLATFORM = layer_build.LAMBDA_PLATFORMS["arm64"]
FIRST_REQUESTS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "sessions": ("GET", "/sessions", None),
    "session_backend": ("GET", "/api/v1/sessions", None),
    "process": ("POST", "/process", {"prompt": "say: hi"}),
    "process_streaming": ("POST", "/process-streaming", {"prompt": "say: hi"}),
}


def measure(server: EmbeddedDatabase) -> Iterator[dict[str, Any]]:
    url = create_database(server, "cold_starts", migrated=True)
    environment = {"SESSION_BACKEND_URL": url, "MODEL_PROVIDER": "tests.support.scripted_model:build"}
    with _compiled() as compiled:
        first_answers = _first_answers_ms(environment | compiled)
        for function, cpu_ms in _imports_cpu_ms(compiled).items():
            yield {
                "measure": "cold start",
                "function": function,
                "first_answer_ms": first_answers.get(function),
                "cpu_ms": cpu_ms,
                "imports_ms": _imports_ms(function, compiled) if function != STRANDS else {},
            }
    yield from map(_size, ("trimmed and compiled", "as installed"))


@contextmanager
def _compiled() -> Iterator[dict[str, str]]:
    """An environment in which Python keeps what it compiled, as the layers have it, whatever this machine forbids."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}


def _size(how: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder)
        if how == "as installed":
            layer_build.install(layer_build.locked_requirements("bedrock"), LAMBDA_PLATFORM, layer)
        else:
            layer = layer_build.build_dependencies_layer()
        size = sum(file.stat().st_size for file in layer.rglob("*") if file.is_file())
    return {"measure": "layer", "how": how, "megabytes": size / 1e6}


def _first_answers_ms(environment: dict[str, str]) -> dict[str, float]:
    with Gateway(environment, port=0, backend_port=0) as gateway, httpx.Client(timeout=60) as client:
        return {
            function: median([_first_answer_ms(gateway, client, *request) for _ in range(TIMES)])
            for function, request in FIRST_REQUESTS.items()
        }


def _first_answer_ms(gateway: Gateway, client: httpx.Client, method: str, path: str, body: Any) -> float:
    gateway.restart_functions()
    started = time.perf_counter()
    assert client.request(method, gateway.url + path, json=body).status_code == 200
    return (time.perf_counter() - started) * 1000


def _imports_cpu_ms(compiled: dict[str, str]) -> dict[str, float]:
    """CPU time and alternately, so that what else runs on the machine changes the comparison little."""
    times = {function: list[float]() for function in (STRANDS, *FUNCTIONS)}
    for _ in range(TIMES):
        for function, seen in times.items():
            module, folder = ("strands", None) if function == STRANDS else ("handler", function)
            code = f"import time, {module}; print(time.process_time() * 1000)"
            seen.append(float(_python(["-c", code], folder, compiled).stdout))
    return {function: median(seen) for function, seen in times.items()}


def _imports_ms(function: str, compiled: dict[str, str]) -> dict[str, float]:
    """Self time of the imports, by top-level package, the largest six."""
    lines = _python(["-X", "importtime", "-c", "import handler"], function, compiled).stderr.splitlines()
    spent: Counter[str] = Counter()
    for line in lines[1:]:
        if line.startswith("import time:") and line.split("|")[0].removeprefix("import time:").strip().isdigit():
            own, _, name = line.removeprefix("import time:").split("|")
            spent[name.strip().split(".")[0]] += int(own)
    return {name: microseconds / 1000 for name, microseconds in spent.most_common(6)}


def _python(arguments: list[str], function: str | None, compiled: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    folder = ROOT / "functions" / (function or "")
    layers = [ROOT / "layers/app/python", ROOT / "layers/response_streaming/python"]
    environment = {
        **os.environ,
        **compiled,
        "PYTHONPATH": os.pathsep.join(map(str, [folder, *layers])),
        "SESSION_BACKEND_URL": "postgresql://127.0.0.1/none",
        "AWS_REGION": "us-east-1",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
