"""How much later than the model itself a caller has the first word, streamed and buffered: `make bench-streaming`."""

import json
import time
from statistics import median
from typing import Any

import httpx

from local.database import EmbeddedDatabase, temporary_database
from local.gateway import Gateway
from tests.benchmarks import tables
from tests.benchmarks.contest import Proxy, create_database, read_counts

WARM_UP_REQUESTS = 5


def measure(server: EmbeddedDatabase, requests: int) -> dict[str, Any]:
    """Alternately, so that what else the machine does meets both."""
    with Proxy(create_database(server, "streaming", migrated=True), 0) as (url, control):
        environment = {"SESSION_BACKEND_URL": url, "MODEL_PROVIDER": "tests.benchmarks.paced_model:build"}
        with Gateway(environment, port=0, backend_port=0) as gateway, httpx.Client(timeout=60) as client:
            for _ in range(WARM_UP_REQUESTS):
                _pair(client, gateway.url)
            read_counts(control)
            pairs = [_pair(client, gateway.url) for _ in range(requests)]
            round_trips = read_counts(control)["round_trips"] / (2 * requests)
    first_events, first_words, buffered = zip(*pairs, strict=True)
    return {
        "measure": "streaming",
        "requests": requests,
        "first_event_ms": median(first_events),
        "first_word_ms": median(first_words),
        "buffered_ms": median(buffered),
        "round_trips": round_trips,
    }


def _pair(client: httpx.Client, url: str) -> tuple[float, float, float]:
    return (*_streamed_ms(client, url), _buffered_ms(client, url))


def _streamed_ms(client: httpx.Client, url: str) -> tuple[float, float]:
    """From the request to the first event; to the first word, less the model's own time to it."""
    started = time.perf_counter()
    came: dict[str, tuple[float, dict[str, Any]]] = {}
    body = {"prompt": "Hello", "session_id": "streamed"}
    with client.stream("POST", f"{url}/process-streaming", json=body) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                came.setdefault(event["type"], ((time.perf_counter() - started) * 1000, event))
    word_ms, word = came["TEXT_MESSAGE_CONTENT"]
    return came["RUN_STARTED"][0], word_ms - float(word["delta"])


def _buffered_ms(client: httpx.Client, url: str) -> float:
    started = time.perf_counter()
    answer = client.post(f"{url}/process", json={"prompt": "Hello", "session_id": "buffered"}).raise_for_status()
    return (time.perf_counter() - started) * 1000 - float(answer.json()["response"].split()[0])


def main() -> None:
    with temporary_database() as server:
        print(tables.sentence(measure(server, requests=200)))


if __name__ == "__main__":
    main()
