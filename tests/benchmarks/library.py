"""What an application has of the library alone: `make bench-library`.

What its import costs, an event loop with many turns while a table is locked, an import of sessions, and a turn kept as
rows and as a snapshot.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from strands import Agent
from strands.session import FileSessionManager
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from local.database import EmbeddedDatabase, temporary_database
from session_store.importer.load import Import
from session_store.importer.report import Report
from session_store.importer.tree_source import TreeSource
from session_store.importer.trees import Folder
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.benchmarks import library_imports
from tests.benchmarks.contest import CONTESTANTS, Contest, create_database, entries
from tests.benchmarks.library_client import LOCK_SECONDS, TURNS
from tests.support.scripted_model import ScriptedModel

MESSAGES = 10_000
HISTORIES = (20, 200, 2000)
TIMES = 60
CONTESTANT_SECONDS = 120


def main() -> None:
    print("import in a process without Strands, CPU ms: the last release / today")
    for module, (released, ours) in library_imports.measure().items():
        print(f"  {module}: {released:.1f} / {ours:.1f}")
    with temporary_database() as server:
        print(f"event loop: {TURNS} turns while a table is locked for {LOCK_SECONDS:g} s")
        for phase, seconds in asyncio.run(measure_event_loop(server)).items():
            report(phase, seconds)
        print(f"import of {MESSAGES:,} messages: {measure_import(server):.2f} s (limit 5 s)")
        print("a plain turn, rows and snapshots in turns")
        compare_forms(server)
        print("a plain turn, each in a process of its own")
        measure_peers(server)


def report(phase: str, seconds: list[float]) -> None:
    p99 = quantiles(seconds, n=100)[98] * 1000
    print(f"  {phase}, {len(seconds):,} requests: p50 {median(seconds) * 1000:.1f} ms, p99 {p99:.1f} ms (limit 50 ms)")


async def measure_event_loop(server: EmbeddedDatabase) -> dict[str, list[float]]:
    """Seconds of each request to an endpoint of the same process that has nothing to do with the database."""
    url = create_database(server, "loop", migrated=True)
    with PostgreSQLSessionRepository(store=PostgreSQLStore(StoreSettings(url=url, pool_size=10))) as repository:
        service = uvicorn.Server(uvicorn.Config(application(repository), port=0, log_level="warning"))
        serving = asyncio.create_task(service.serve())
        while not service.started:
            await asyncio.sleep(0.01)
        port = service.servers[0].sockets[0].getsockname()[1]
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.benchmarks.library_client", f"http://127.0.0.1:{port}", url),
                stdout=asyncio.subprocess.PIPE,
            )
            said, _ = await process.communicate()
        finally:
            service.should_exit = True
            await serving
    return json.loads(said)


def application(repository: PostgreSQLSessionRepository) -> Starlette:
    async def turn(request: Request) -> PlainTextResponse:
        async with repository.run(request.path_params["session_id"]) as run:
            agent = Agent(model=ScriptedModel("answer"), session_manager=run.session_manager, callback_handler=None)
            return PlainTextResponse(str(await agent.invoke_async("Hello")))

    async def unrelated(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/turns/{session_id}", turn, methods=["POST"]), Route("/unrelated", unrelated)])


def measure_import(server: EmbeddedDatabase) -> float:
    """Seconds from the folder that Strands' own manager wrote to the stored sessions: ten of them."""
    store = PostgreSQLStore(StoreSettings(url=create_database(server, "imported", migrated=True)))
    with tempfile.TemporaryDirectory() as folder:
        manager = FileSessionManager("session-0", storage_dir=folder)
        for number in range(10):
            write_session(manager, f"session-{number}", MESSAGES // 10)
        report = Report(is_dry_run=False)
        started = time.perf_counter()
        Import(store, "default", report, is_dry_run=False).run(TreeSource(Folder(Path(folder))))
        seconds = time.perf_counter() - started
    assert list(report.lines()) == [f"imported messages: {MESSAGES:,}", "imported sessions: 10"]
    store.close()
    return seconds


def write_session(manager: FileSessionManager, session_id: str, messages: int) -> None:
    if manager.read_session(session_id) is None:
        manager.create_session(Session(session_id, SessionType.AGENT))
    manager.create_agent(session_id, SessionAgent("default", {}, {}))
    for number in range(messages):
        role = "assistant" if number % 2 else "user"
        message = SessionMessage({"role": role, "content": [{"text": f"message {number} ".ljust(600, "x")}]}, number)
        manager.create_message(session_id, "default", message)


def compare_forms(server: EmbeddedDatabase) -> None:
    """Milliseconds of a plain turn kept as rows and as a snapshot, and how many times as long the latter takes."""
    job = {
        "rows": create_database(server, "rows", migrated=True),
        "snapshots": create_database(server, "snapshots", migrated=True),
        "histories": HISTORIES,
        "turns": TIMES,
    }
    command = [sys.executable, "ours_in_turns.py"]
    said = subprocess.run(command, cwd=CONTESTANTS, input=json.dumps(job), capture_output=True, text=True, check=True)
    for history, taken in json.loads(said.stdout).items():
        rows, snapshots = (median(milliseconds) for milliseconds in zip(*taken, strict=True))
        ratio = median(snapshot / row for row, snapshot in taken)
        print(f"  {history} messages: rows {rows:.1f} ms, snapshot {snapshots:.1f} ms, {ratio:.2f} times (limit 1.1)")


def measure_peers(server: EmbeddedDatabase) -> None:
    """Milliseconds and round trips of a plain turn in the three forms that live in PostgreSQL and in DynamoDB's."""
    with ExitStack() as parts, Contest(server, CONTESTANT_SECONDS) as contest:
        for entry in entries(parts, server):
            if "snapshots" in entry.name or entry.name == "this project":
                for found in contest.hold(entry, {"turn": {"histories": HISTORIES, "turns": TIMES}}):
                    if "error" in found:
                        print(f"  {entry.name}: {found['error']}")
                    elif found["tools"] == 0 and found["where"] in ("loopback", "wire"):
                        print(f"  {entry.name}, {found['history']} messages, {found['where']}: {_describe(found)}")


def _describe(found: dict[str, Any]) -> str:
    if found["where"] == "wire":
        return f"{found['counts']['round_trips']:g} round trips"
    return f"{median(found['seconds']) * 1000:.1f} ms"


if __name__ == "__main__":
    main()
