"""How soon a caller sees the first word, streamed and buffered, of a model that has all of them at once.

So the model's own time to its first word is none, and the figures are ours alone: `make bench-streaming`.
"""

import json
import time
from statistics import median
from typing import Any

import httpx

from local.database import EmbeddedDatabase, temporary_database
from local.gateway import Gateway
from tests.benchmarks import tables
from tests.benchmarks.contest import create_database

PROMPT = "say: " + " ".join(["word"] * 100)


def measure(server: EmbeddedDatabase, requests: int) -> dict[str, Any]:
    environment = {
        "SESSION_BACKEND_URL": create_database(server, "streaming", migrated=True),
        "MODEL_PROVIDER": "tests.scripted_model:build",
    }
    with Gateway(environment, port=0, backend_port=0) as gateway, httpx.Client(timeout=60) as client:
        streamed = [_first_word(client, gateway.url) for _ in range(requests + 5)][5:]
        buffered = [_whole_answer_ms(client, gateway.url) for _ in range(requests + 5)][5:]
    return {
        "measure": "streaming",
        "requests": requests,
        "first_event_ms": median(first_event for first_event, _, _ in streamed),
        "first_word_ms": median(first_word for _, first_word, _ in streamed),
        "buffered_answer_ms": median(buffered),
        "round_trips": max(round_trips for _, _, round_trips in streamed),
    }


def _first_word(client: httpx.Client, url: str) -> tuple[float, float, int]:
    """Milliseconds to the first event and to the first word, and how often the run waited for the database."""
    started = time.perf_counter()
    came: dict[str, float] = {}
    event: dict[str, Any] = {}
    with client.stream("POST", f"{url}/process-streaming", json={"prompt": PROMPT, "session_id": "s"}) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                came.setdefault(event["type"], (time.perf_counter() - started) * 1000)
    return came["RUN_STARTED"], came["TEXT_MESSAGE_CONTENT"], event["result"]["timings"]["round_trips"]


def _whole_answer_ms(client: httpx.Client, url: str) -> float:
    started = time.perf_counter()
    assert client.post(f"{url}/process", json={"prompt": PROMPT, "session_id": "b"}).status_code == 200
    return (time.perf_counter() - started) * 1000


def main() -> None:
    with temporary_database() as server:
        print(tables.sentence(measure(server, requests=200)))


if __name__ == "__main__":
    main()
