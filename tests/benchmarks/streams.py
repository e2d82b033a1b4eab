"""Streams at once through the local gateway, which has a runtime process for each: `make bench-streams` (five minutes).

How late each token is at its client, and the memory of the gateway and its processes; as many streams as there is
memory for. As a program of its own (`python -m tests.benchmarks.streams URL COUNT NAME`) it is the clients, so that
they and the gateway do not take turns in one process. Linux only.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import httpx

from local.database import temporary_database
from local.gateway import Gateway, Limits
from tests.benchmarks.contest import create_database

COUNTS = (10, 25, 50, 100, 200)
FREE_BYTES = 3_000_000_000
"""Of the machine's memory, left for others and for what the processes take at work."""
MODEL = "tests.benchmarks.paced_model:build_stamped"
HEADER = (
    "| streams at once | token's delay ms p50 | p99 | longest | first token ms p50 | p99 | tokens a second"
    " | gateway MB | processes MB, each |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


class Delays(NamedTuple):
    """Milliseconds: of each token, from the model to the client; of each stream, from its request to a first token."""

    tokens: list[float]
    first: list[float]
    seconds: float


def main() -> None:
    with temporary_database({"max_connections": str(max(COUNTS) + 50)}) as server:
        environment = {
            "SESSION_BACKEND_URL": create_database(server, "streams", migrated=True),
            "MODEL_PROVIDER": MODEL,
            "LOG_LEVEL": "ERROR",
        }
        limits = Limits(concurrency=max(COUNTS))
        with Gateway(environment, port=0, backend_port=0, limits=limits) as gateway:
            for line in measure(gateway):
                print(line, flush=True)


def measure(gateway: Gateway) -> Iterator[str]:
    yield HEADER
    each_bytes = 0.0
    for count in COUNTS:
        missing = count - len(gateway.process_ids())
        if read_bytes(Path("/proc/meminfo"), "MemAvailable") - missing * each_bytes < FREE_BYTES:
            yield f"\nFor {count} streams at once there is no memory: a process takes {each_bytes / 1e6:.0f} MB."
            return
        run_clients(gateway.url, count, "cold")
        delays = run_clients(gateway.url, count, "warm")
        processes = [memory_bytes(process_id) for process_id in gateway.process_ids()]
        each_bytes = sum(processes) / len(processes)
        yield describe(count, delays, memory_bytes(os.getpid()), each_bytes)


def describe(count: int, delays: Delays, gateway_bytes: int, each_bytes: float) -> str:
    tokens, first = (f"{median(each):.1f} | {quantiles(each, n=100)[98]:.1f}" for each in (delays.tokens, delays.first))
    return (
        f"| {count} | {tokens} | {max(delays.tokens):.0f} | {first} | {len(delays.tokens) / delays.seconds:.0f}"
        f" | {gateway_bytes / 1e6:.0f} | {each_bytes / 1e6:.0f} |"
    )


def memory_bytes(process_id: int) -> int:
    """With its share of what it has in common with others."""
    return read_bytes(Path(f"/proc/{process_id}/smaps_rollup"), "Pss")


def read_bytes(file: Path, name: str) -> int:
    found = re.search(rf"^{name}: +(\d+) kB$", file.read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def run_clients(url: str, count: int, name: str) -> Delays:
    command = [sys.executable, "-m", __spec__.name, url, str(count), name]
    return Delays(*json.loads(subprocess.check_output(command, text=True)))


async def stream_at_once(url: str, count: int, name: str) -> Delays:
    started = time.monotonic()
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
        streams = await asyncio.gather(*(stream(client, f"{name}-{number}") for number in range(count)))
    seconds = time.monotonic() - started
    return Delays([each for tokens, _ in streams for each in tokens], [first for _, first in streams], seconds)


async def stream(client: httpx.AsyncClient, session_id: str) -> tuple[list[float], float]:
    sent, first, delays = time.monotonic(), 0.0, list[float]()
    body = {"prompt": "Hello", "session_id": session_id}
    async with client.stream("POST", "/process-streaming", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            came = time.monotonic()
            stamps = read_stamps(json.loads(line.removeprefix("data: ")))
            first = first or (came - sent if stamps else 0.0)
            delays += [(came - made) * 1000 for made in stamps]
    return delays, first * 1000


def read_stamps(event: dict[str, str]) -> list[float]:
    """When the tokens of the event were made."""
    return [float(stamp) for stamp in event["delta"].split()] if event["type"] == "TEXT_MESSAGE_CONTENT" else []


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        url, count, name = sys.argv[1:]
        print(json.dumps(asyncio.run(stream_at_once(url, int(count), name))))
