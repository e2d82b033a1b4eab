"""Starts each contestant in its own environment and database, and hands it the ways to PostgreSQL to be timed on."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from local.database import EmbeddedDatabase
from local.gateway import Gateway
from session_store.migrate import apply_migrations
from tests.reliability import pooler

DELAY_SECONDS = 0.002
CONTESTANTS = Path(__file__).parent / "contestants"


@dataclass(frozen=True)
class Entry:
    """One row: a script of `contestants/`, its own environment or the project's; `url` overrides the database's."""

    name: str
    script: str
    own_environment: bool = True
    url: str | None = None


def entries(parts: ExitStack, server: EmbeddedDatabase) -> list[Entry]:
    return [
        Entry("floor: two statements, no lease", "floor.py", own_environment=False),
        Entry("this project", "ours.py", own_environment=False),
        Entry("this project, snapshots", "ours_snapshots.py", own_environment=False),
        *_through_pgbouncer(parts, server),
        Entry("this project, over the session backend", "ours.py", own_environment=False, url=_backend(parts, server)),
        Entry("strands-postgresql-session-manager", "peer_strands_postgresql_session_manager.py"),
        Entry("strands-session-sql", "peer_strands_session_sql.py"),
        Entry("strands-postgres-storage + snapshots", "peer_strands_postgres_storage.py"),
        Entry("strands-dynamodb-storage + snapshots (moto)", "peer_strands_dynamodb_storage.py"),
        Entry("LangGraph PostgresSaver", "peer_langgraph_postgres.py"),
        Entry("OpenAI Agents SQLAlchemySession", "peer_openai_agents_sqlalchemy.py"),
        Entry("Strands FileSessionManager (no database)", "peer_strands_file.py"),
    ]


class Contest:
    """contestant_seconds: after which a contestant is ended, and what it measured by then is all there is of it.

    seconds: of all of them. Those that would begin later are left out.
    """

    def __init__(self, server: EmbeddedDatabase, contestant_seconds: float, seconds: float) -> None:
        self._server = server
        self._contestant_seconds = contestant_seconds
        self._end = time.monotonic() + seconds
        self._parts = ExitStack()
        self._uv = shutil.which("uv") or ".uv/bin/uv"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def hold(self, entry: Entry, jobs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The contestant's measurements as they come; a contestant that cannot even start is one of them."""
        seconds = min(self._contestant_seconds, self._end - time.monotonic())
        if seconds <= 0:
            yield {"measure": "turn", "history": None, "error": "left out: the time of the contest was over"}
            return
        with ExitStack() as parts:
            direct = entry.url or create_database(
                self._server, entry.script.removesuffix(".py"), migrated=not entry.own_environment
            )
            counting, control = parts.enter_context(Proxy(direct, 0))
            delayed, _ = parts.enter_context(Proxy(direct, DELAY_SECONDS))
            job = {"urls": {"loopback": direct, "delayed": delayed, "wire": counting}, "controls": {"wire": control}}
            process = subprocess.Popen(
                self._command(entry),
                cwd=CONTESTANTS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # uv starts the contestant, and both are to end
            )
            assert process.stdin
            assert process.stdout
            ending = Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
            ending.start()
            parts.callback(ending.cancel)
            process.stdin.write(json.dumps(job | jobs))
            process.stdin.close()
            yield from (json.loads(line) for line in process.stdout if line.startswith("{"))
            if status := process.wait():
                error = f"cut after {seconds:.0f} s" if status == -signal.SIGKILL else f"ended with status {status}"
                yield {"measure": "turn", "history": None, "error": error}

    def _command(self, entry: Entry) -> list[str]:
        if not entry.own_environment:
            return [sys.executable, entry.script]
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return [str(Path(self._uv).resolve()), "run", "--quiet", "--no-project", "--python", python, entry.script]


def create_database(server: EmbeddedDatabase, name: str, *, migrated: bool) -> str:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = server.url.rpartition("/")[0] + "/" + name
    if not migrated:
        return url
    with psycopg.connect(url) as connection:
        apply_migrations(connection)
    return url


def _through_pgbouncer(parts: ExitStack, server: EmbeddedDatabase) -> Iterator[Entry]:
    """The local stand-in for RDS Proxy; the delay lies between the client and it. It is no part of the set-up."""
    if pooler.PROGRAM is None:
        print("no row for pgbouncer: it is not installed", file=sys.stderr)
        return
    url = create_database(server, "pooled", migrated=True)
    pooled = parts.enter_context(pooler.running_pooler(server.url)).url_of(url)
    yield Entry("this project, through pgbouncer", "ours.py", own_environment=False, url=pooled)


def _backend(parts: ExitStack, server: EmbeddedDatabase) -> str:
    environment = {"SESSION_BACKEND_URL": create_database(server, "backend", migrated=True), "MODEL_PROVIDER": "local"}
    return parts.enter_context(Gateway(environment, port=0, backend_port=0)).backend_url


class Proxy:
    """A delaying, counting proxy in a process of its own; entered, the URL through it and its control port."""

    def __init__(self, url: str, delay_seconds: float) -> None:
        self._url = urlsplit(url)
        target = [self._url.hostname or "127.0.0.1", str(self._url.port), str(delay_seconds)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.proxy", *target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

    def __enter__(self) -> tuple[str, int]:
        assert self._process.stdout
        port, control = map(int, self._process.stdout.readline().split())
        netloc = f"{self._url.netloc.rpartition(':')[0]}:{port}"
        return self._url._replace(netloc=netloc).geturl(), control

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def read_counts(control: int) -> dict[str, int]:
    """What passed through the proxy of this control port since the last look."""
    with socket.create_connection(("127.0.0.1", control)) as connection, connection.makefile() as answer:
        return json.load(answer)
