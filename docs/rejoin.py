"""Leaves a run and finds it again: `python docs/rejoin.py http://127.0.0.1:8000`, against `make local`.

First a stream that is left after three events, and read on by another process; then a run that nobody waits for.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice

import httpx

Frame = tuple[int, dict[str, str]]


def read_frames(response: httpx.Response) -> Iterator[Frame]:
    """Server-sent events: a line with the id, one with the data."""
    number = 0
    for line in response.iter_lines():
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
        elif line.startswith("data: "):
            yield number, json.loads(line.removeprefix("data: "))


def leave(api: httpx.Client, prompt: str) -> tuple[str, int]:
    """Begins a stream, reads three events and hangs up: the run's id, and the last event's."""
    with api.stream("POST", "/process-streaming", json={"prompt": prompt}) as response:
        frames = list(islice(read_frames(response), 3))
        return response.headers["Run-Id"], frames[-1][0]


def watch(api: httpx.Client, run_id: str, after: int) -> None:
    with api.stream("GET", f"/runs/{run_id}/events", headers={"Last-Event-ID": str(after)}) as response:
        for number, event in read_frames(response):
            sys.stdout.write(f"{number} {event['type']}\n")


def run_in_background(api: httpx.Client, prompt: str) -> str:
    accepted = api.post("/runs", json={"prompt": prompt}).raise_for_status().json()
    while (run := api.get(accepted["run"]).json())["status"] in ("queued", "running"):
        time.sleep(0.2)
    return run["answer"]["response"] if run["status"] == "completed" else run["status"]


def main(url: str, *watched: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as api:
        if watched:
            watch(api, watched[0], int(watched[1]))
            return
        run_id, number = leave(api, "Tell me a story")
        sys.stdout.write(f"left run {run_id} after event {number}\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, __file__, url, run_id, str(number)], check=True)
        sys.stdout.write(f"in the background: {run_in_background(api, 'Hello')}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
