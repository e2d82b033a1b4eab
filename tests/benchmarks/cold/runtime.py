"""One runtime process from its start to its first answer, behind a Runtime API that only takes times."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import NamedTuple

from tests.benchmarks.cold.deployed import ROOT, find_import_paths

_LIMIT_SECONDS = 60


class Moment(NamedTuple):
    wall: float
    cpu: float


class FirstAnswer(NamedTuple):
    """Milliseconds: of the start until the process asks for work, and of the first request until its first byte."""

    start: Moment
    request: Moment


class RuntimeApi:
    """Serves one event; `moments` gets the times at which the process asked for it and began to answer."""

    def __init__(self, event: bytes, before_request: Callable[[], None]) -> None:
        self.moments: Queue[float] = Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if api.is_done:
                    time.sleep(_LIMIT_SECONDS)  # as Lambda, which has no further event
                api.moments.put(time.perf_counter())
                before_request()
                self.send_response(200)
                for name, value in api._headers().items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                first = self.rfile.read(1)
                api.is_done = True
                api.moments.put(time.perf_counter())
                api.answer = self.path.rpartition("/")[2], first
                self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        self.is_done, self.answer = False, ("", b"")
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


def time_first_answer(
    python: str,
    function: str,
    event: bytes,
    variables: Mapping[str, str],
    *,
    at_start: Callable[[int], None],
    before_request: Callable[[int], None],
) -> FirstAnswer:
    """The callbacks get the process's id: as it starts, and before it is handed the request."""
    processes: Queue[int] = Queue()
    cpu: list[float] = []

    def hand_over() -> None:
        process_id = processes.get()
        cpu.append(_cpu_seconds(process_id))
        before_request(process_id)

    api = RuntimeApi(event, hand_over)
    folder, *_ = paths = find_import_paths(function)
    environment = {
        "PATH": os.defpath,
        **variables,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "_HANDLER": "handler.handler",
    }
    command = [
        str(ROOT / "layers/response_streaming/response-streaming"),
        python,
        "-m",
        "awslambdaric",
        "handler.handler",
    ]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        at_start(process.pid)
        processes.put(process.pid)
        asked, answered = (api.moments.get(timeout=_LIMIT_SECONDS) for _ in range(2))
        cpu.append(_cpu_seconds(process.pid))
        if api.answer[0] != "response":
            raise RuntimeError(f"{function} answered with {api.answer}")
    finally:
        process.kill()
        process.wait()
        api.close()
    return FirstAnswer(
        Moment((asked - started) * 1000, cpu[0] * 1000),
        Moment((answered - asked) * 1000, (cpu[1] - cpu[0]) * 1000),
    )


def _cpu_seconds(process_id: int) -> float:
    """Of all threads, ended ones too: the clock of another process has its id, see clock_getcpuclockid(3)."""
    return time.clock_gettime((~process_id << 3) | 2)
