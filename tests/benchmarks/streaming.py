"""How soon a caller sees the first word, streamed and buffered, of a model that has it at once."""

import time
from statistics import median
from typing import Any

import httpx

from local.database import EmbeddedDatabase
from local.gateway import Gateway
from tests.benchmarks.contest import create_database

PROMPT = "say: " + " ".join(["word"] * 100)


def measure(server: EmbeddedDatabase, requests: int) -> dict[str, Any]:
    environment = {
        "SESSION_BACKEND_URL": create_database(server, "streaming", migrated=True),
        "MODEL_PROVIDER": "tests.scripted_model:build",
    }
    with Gateway(environment, port=0, backend_port=0) as gateway, httpx.Client(timeout=60) as client:
        streamed = [_first_word_ms(client, gateway.url) for _ in range(requests + 5)][5:]
        buffered = [_whole_answer_ms(client, gateway.url) for _ in range(requests + 5)][5:]
    return {
        "measure": "streaming",
        "requests": requests,
        "first_word_ms": median(streamed),
        "buffered_answer_ms": median(buffered),
        "round_trips": 2,
    }


def _first_word_ms(client: httpx.Client, url: str) -> float:
    started = time.perf_counter()
    first = 0.0
    with client.stream("POST", f"{url}/process-streaming", json={"prompt": PROMPT, "session_id": "s"}) as response:
        for line in response.iter_lines():
            if "TEXT_MESSAGE_CONTENT" in line and not first:
                first = (time.perf_counter() - started) * 1000
    assert first
    return first


def _whole_answer_ms(client: httpx.Client, url: str) -> float:
    started = time.perf_counter()
    assert client.post(f"{url}/process", json={"prompt": PROMPT, "session_id": "b"}).status_code == 200
    return (time.perf_counter() - started) * 1000
