"""A function's cold start: its runtime process from start to the first answer, and where the imports' time goes."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from local.database import EmbeddedDatabase
from local.gateway import Gateway
from tests.benchmarks.contest import create_database

ROOT = Path(__file__).resolve().parents[2]
TIMES = 7
FIRST_REQUESTS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "sessions": ("GET", "/sessions", None),
    "session_backend": ("GET", "/api/v1/sessions", None),
    "process": ("POST", "/process", {"prompt": "say: hi"}),
    "process_streaming": ("POST", "/process-streaming", {"prompt": "say: hi"}),
}


def measure(server: EmbeddedDatabase) -> Iterator[dict[str, Any]]:
    url = create_database(server, "cold_starts", migrated=True)
    environment = {"SESSION_BACKEND_URL": url, "MODEL_PROVIDER": "tests.scripted_model:build"}
    yield {"measure": "import", "function": "import strands alone", "cpu_ms": _import_cpu_ms("import strands")}
    with Gateway(environment, port=0, backend_port=0) as gateway, httpx.Client(timeout=60) as client:
        for function, (method, path, body) in FIRST_REQUESTS.items():
            times = [_first_answer_ms(gateway, client, method, path, body) for _ in range(TIMES)]
            yield {
                "measure": "cold start",
                "function": function,
                "first_answer_ms": median(times),
                "cpu_ms": _import_cpu_ms("import handler", function),
                "imports_ms": _imports_ms(function),
            }


def _first_answer_ms(gateway: Gateway, client: httpx.Client, method: str, path: str, body: Any) -> float:
    gateway.restart_functions()
    started = time.perf_counter()
    assert client.request(method, gateway.url + path, json=body).status_code == 200
    return (time.perf_counter() - started) * 1000


def _import_cpu_ms(statement: str, function: str | None = None) -> float:
    """CPU, not wall time: what else runs on the machine changes it little."""
    code = f"import time; {statement}; print(time.process_time() * 1000)"
    times = [float(_python(["-c", code], function).stdout) for _ in range(TIMES)]
    return median(times)


def _imports_ms(function: str) -> dict[str, float]:
    """Self time of the imports, by top-level package, the largest six."""
    lines = _python(["-X", "importtime", "-c", "import handler"], function).stderr.splitlines()
    spent: Counter[str] = Counter()
    for line in lines[1:]:
        if line.startswith("import time:") and line.split("|")[0].removeprefix("import time:").strip().isdigit():
            own, _, name = line.removeprefix("import time:").split("|")
            spent[name.strip().split(".")[0]] += int(own)
    return {name: microseconds / 1000 for name, microseconds in spent.most_common(6)}


def _python(arguments: list[str], function: str | None) -> "subprocess.CompletedProcess[str]":
    folder = ROOT / "functions" / (function or "")
    layers = [ROOT / "layers/app/python", ROOT / "layers/response_streaming/python"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, [folder, *layers])),
        "SESSION_BACKEND_URL": "postgresql://127.0.0.1/none",
        "AWS_REGION": "us-east-1",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
