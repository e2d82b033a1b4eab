"""Turns a second that one PostgreSQL carries: the store's own calls, without an agent, from many processes."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.database import EmbeddedDatabase
from session_store.errors import SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentMessage, AgentRecord, MessageRecord, RunOutcome, RunRequest, RunWrite
from session_store.settings import StoreSettings
from tests.benchmarks.contest import create_database

NOW = "2026-01-01T00:00:00+00:00"
AGENT = AgentRecord("default", "{}", '{"removed_message_count":0}', "{}", NOW, NOW)


def measure(server: EmbeddedDatabase, workers: list[int], seconds: float) -> Iterator[dict[str, Any]]:
    for count in workers:
        yield _together(server, count, seconds, same_session=False)
    yield _together(server, 8, seconds, same_session=True)


def _together(server: EmbeddedDatabase, count: int, seconds: float, *, same_session: bool) -> dict[str, Any]:
    url = create_database(server, "throughput", migrated=True)
    cpu_before = cpu_seconds(server)
    job = json.dumps({"url": url, "seconds": seconds, "session_id": "one" if same_session else None})
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.throughput"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for process in processes:  # all have imported before the first begins
        assert process.stdout
        process.stdout.readline()
    outputs = [_start(process, job) for process in processes]
    results = [json.loads(output.communicate()[0]) for output in outputs]
    turns, busy = sum(result["turns"] for result in results), sum(result["busy"] for result in results)
    return {
        "measure": "throughput",
        "workers": count,
        "same_session": same_session,
        "turns_per_second": turns / seconds,
        "busy": busy,
        "p50_ms": sorted(ms for result in results for ms in result["milliseconds"])[turns // 2] if turns else None,
        "database_cpu_ms_per_turn": (cpu_seconds(server) - cpu_before) * 1000 / max(turns, 1),
    }


def _start(process: "subprocess.Popen[str]", job: str) -> "subprocess.Popen[str]":
    assert process.stdin
    process.stdin.write(job + "\n")
    process.stdin.flush()
    return process


def cpu_seconds(server: EmbeddedDatabase) -> float:
    """User and system time of all of PostgreSQL's processes, those that ended included."""
    pid = server.process_id
    ticks = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        ticks += sum(map(int, Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def work(url: str, seconds: float, session_id: str | None) -> dict[str, Any]:
    """Turns on one session for so long; a busy session is tried again at once."""
    store = PostgreSQLStore(StoreSettings(url=url))
    session_id = session_id or uuid.uuid4().hex
    turns, busy, milliseconds = 0, 0, list[float]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.perf_counter()
        try:
            _turn(store, session_id)
        except SessionBusyError:
            busy += 1
            continue
        turns += 1
        milliseconds.append((time.perf_counter() - started) * 1000)
    return {"turns": turns, "busy": busy, "milliseconds": milliseconds}


def _turn(store: PostgreSQLStore, session_id: str) -> None:
    request = RunRequest(session_id, "default", str(uuid.uuid4()), 30)
    begun = store.runs.begin("owner", request)
    first = begun.agent.message_count if begun.agent else 0  # type: ignore[union-attr]
    body = json.dumps({"role": "user", "content": [{"text": "x" * 560}]})
    messages = [AgentMessage("default", MessageRecord(first + number, body, None, NOW, NOW)) for number in range(2)]
    window = AGENT._replace(removed_message_count=max(0, first - 38))
    write = RunWrite(
        session_id,
        request.run_id,
        30,
        created_agents=() if begun.agent else (AGENT,),  # type: ignore[union-attr]
        updated_agents=(window,) if begun.agent else (),  # type: ignore[union-attr]
        messages=messages,
        outcome=RunOutcome("completed", "{}", first + 1),
    )
    store.runs.write("owner", write)


if __name__ == "__main__":
    print("ready", flush=True)
    given = json.loads(sys.stdin.readline())
    print(json.dumps(work(given["url"], given["seconds"], given["session_id"])))
