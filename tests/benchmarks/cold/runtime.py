"""One runtime process from its start to its first answer, behind a Runtime API that only takes times."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Literal, NamedTuple

from tests.benchmarks.cold.deployed import ROOT, find_import_paths

_LIMIT_SECONDS = 60
_SUCCESS = re.compile(r'response: .*"statusCode": ?200')
Call = Literal["restore", "request", "answer"]
"""A process that is to be restored from a snapshot of itself asks for its restore, then for the request."""


class Moment(NamedTuple):
    wall: float
    cpu: float


class FirstAnswer(NamedTuple):
    """Milliseconds: of the start until the process asks for work, and of the first request until its first byte.

    restore: of what it does between its restore and that it asks for work.
    """

    start: Moment
    request: Moment
    restore: Moment | None = None


class RuntimeApi:
    """Serves one event. `called` is run before each of the process's calls, and at the first byte of its answer."""

    def __init__(self, event: bytes, called: Callable[[Call], None]) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if api.is_done:
                    time.sleep(_LIMIT_SECONDS)  # as Lambda, which has no further event
                is_restore = self.path.endswith("/restore/next")
                called("restore" if is_restore else "request")
                self._answer(b"" if is_restore else event, {} if is_restore else api._headers())

            def do_POST(self) -> None:
                self.rfile.read(1)
                api.is_done = True
                called("answer")
                api.answer.set_result(f"{self.path.rpartition('/')[2]}: {self._read_more()!r}")
                self.close_connection = True

            def _read_more(self) -> bytes:
                """Of a stream, which is sent in chunks, its first one; else all."""
                length = self.headers.get("Content-Length")
                return self.rfile.read(int(length) - 1) if length else self.rfile.readline() + self.rfile.readline()

            def _answer(self, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.is_done, self.answer = False, Future[str]()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _headers() -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 29) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:cold",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        }


class _Times:
    """When the process called, and when it was answered: what it does lies between."""

    def __init__(self, before: Mapping[Call, Callable[[int], None]]) -> None:
        self.process_id: Future[int] = Future()
        self.calls: Queue[tuple[Call, Moment, Moment]] = Queue()
        self._before = before

    def take(self, call: Call) -> None:
        process_id = self.process_id.result()
        came = _now(process_id)
        self._before.get(call, lambda _: None)(process_id)
        self.calls.put((call, came, _now(process_id)))

    def read(self, started: Moment) -> FirstAnswer:
        """Waits for the answer."""
        left, spent = started, dict[Call, Moment]()
        while "answer" not in spent:
            call, came, answered = self.calls.get(timeout=_LIMIT_SECONDS)
            spent[call] = Moment(came.wall - left.wall, came.cpu - left.cpu)
            left = answered
        if "restore" in spent:
            return FirstAnswer(spent["restore"], spent["answer"], spent["request"])
        return FirstAnswer(spent["request"], spent["answer"])


def time_first_answer(
    python: str,
    function: str,
    event: bytes,
    variables: Mapping[str, str],
    *,
    at_start: Callable[[int], None] = lambda _: None,
    before: Mapping[Call, Callable[[int], None]],
) -> FirstAnswer:
    """The callbacks get the process's id: as it starts, and before a call of it is answered."""
    times = _Times(before)
    api = RuntimeApi(event, times.take)
    started = Moment(time.perf_counter() * 1000, 0)
    process = _start(python, function, {**variables, "AWS_LAMBDA_RUNTIME_API": api.address})
    try:
        at_start(process.pid)
        times.process_id.set_result(process.pid)
        taken = times.read(started)
        answer = api.answer.result(_LIMIT_SECONDS)
        if not _SUCCESS.match(answer):
            raise RuntimeError(f"{function} answered with {answer}")
        return taken
    finally:
        process.kill()
        process.wait()
        api.close()


def _start(python: str, function: str, variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    folder, *_ = paths = find_import_paths(function)
    environment = {
        "PATH": os.defpath,
        **variables,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": "handler.handler",
    }
    return subprocess.Popen(
        [str(ROOT / "layers/response_streaming/response-streaming"), python, "-m", "awslambdaric", "handler.handler"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _now(process_id: int) -> Moment:
    """CPU of all threads, ended ones too: the clock of another process has its id, see clock_getcpuclockid(3)."""
    return Moment(time.perf_counter() * 1000, time.clock_gettime((~process_id << 3) | 2) * 1000)
