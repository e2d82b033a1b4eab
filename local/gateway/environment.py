"""One Lambda execution environment: a real runtime process and the Runtime API that serves it."""

import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from local.gateway.invocation import Invocation
from local.gateway.limits import Limits
from local.gateway.runtime_api import RuntimeApi
from local.gateway.table import Function

logger = logging.getLogger(__name__)

HANDLER = "handler.handler"
# awslambdaric's JSON encoding and polling depend on this variable: use the value of the deployed runtime.
DEPLOYED_RUNTIME = "AWS_Lambda_python3.13"
PORTABLE_CLIENT = Path(__file__).with_name("portable_client")
LOG_BYTES = 64 * 1024
LOG_QUIET_SECONDS = 0.1


class Environment:
    """Serves one invocation at a time. It is not restarted once its process has ended."""

    def __init__(self, function: Function, folder: Path, layers: Path, environment: Mapping[str, str], limits: Limits):
        self.function = function
        self.retired = False
        self._closing = False
        self._folder, self._layers, self._extra, self._limits = folder, layers, environment, limits
        self._api = RuntimeApi(function, limits)
        self._process: asyncio.subprocess.Process | None = None
        self._exited = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process and self.alive else None

    @property
    def alive(self) -> bool:
        return not self._exited.is_set()

    async def start(self, started: Callable[[int], None], ended: Callable[[int], None]) -> None:
        """Start the process; `started` and `ended` are called with its process group."""
        await self._api.listen()
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            cwd=self._folder,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C goes to the gateway, which then ends the process group
        )
        started(self._process.pid)
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        logs = asyncio.create_task(_log_lines(self.function.name, self._process.stdout))
        self._tasks = [logs, asyncio.create_task(self._watch(self._process, logs, ended))]

    async def serve(self, invocation: Invocation) -> None:
        """Let the process answer `invocation`; returns once it waits for the next one, or has ended."""
        timeout = self.function.timeout_seconds
        self._api.give(invocation)
        if not await self._wait_for(invocation.handed_out, self._limits.start_seconds + timeout):
            await self._fail(invocation, "did not start in time")
        elif not await self._wait_for(invocation.finished, timeout):
            await self._fail(invocation, f"Task timed out after {timeout:.2f} seconds")
        elif not await self._wait_for(self._api.idle, timeout):
            await self._fail(invocation, "did not come back for the next event")

    def kill(self) -> None:
        if self.alive and self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        self._closing = True
        self.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_for(self, event: asyncio.Event, timeout_seconds: float) -> bool:
        waiting = [asyncio.create_task(event.wait()), asyncio.create_task(self._exited.wait())]
        try:
            await asyncio.wait(waiting, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return event.is_set()

    async def _fail(self, invocation: Invocation, reason: str) -> None:
        if not self.alive and self._process is not None:
            reason = f"the runtime process exited with status {self._process.returncode}"
        if not self._closing:  # if we killed it, the function did not fail
            logger.error("%s | %s", self.function.name, reason)
        await self.close()
        await invocation.fail(reason)

    async def _watch(
        self, process: asyncio.subprocess.Process, logs: asyncio.Task[None], ended: Callable[[int], None]
    ) -> None:
        await process.wait()
        self.kill()  # the rest of its process group
        self._exited.set()
        ended(process.pid)
        await logs
        await self._api.close()

    def _command(self) -> list[str]:
        # For every function, though only streaming ones have it on Lambda: awslambdaric by itself cannot report a
        # failed start to an address with a path. To a function that does not stream there is no other difference.
        wrapper = self._layers / "response_streaming" / "response-streaming"
        return [str(wrapper), sys.executable, "-m", "awslambdaric", HANDLER]

    def _environment(self) -> dict[str, str]:
        layers = [self._layers / "app" / "python", self._layers / "response_streaming" / "python"]
        if find_spec("runtime_client") is None:
            layers.append(PORTABLE_CLIENT)
        return {
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            **os.environ,
            **self._extra,
            "PYTHONPATH": os.pathsep.join(map(str, [self._folder, *layers])),
            "AWS_EXECUTION_ENV": DEPLOYED_RUNTIME,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": self.function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(self._folder),
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "_HANDLER": HANDLER,
        }


async def _log_lines(name: str, output: asyncio.StreamReader) -> None:
    """awslambdaric separates the lines of a record by carriage returns and leaves an exception's last line unended."""
    rest = b""
    while True:
        try:
            data = await asyncio.wait_for(output.read(LOG_BYTES), LOG_QUIET_SECONDS if rest else None)
        except TimeoutError:
            data = b"\n"
        *lines, rest = re.split(rb"[\r\n]+", rest + data)
        for line in [*lines, rest] if not data or len(rest) > LOG_BYTES else lines:
            _log_line(name, line)
        if not data:
            return
        rest = rest if len(rest) <= LOG_BYTES else b""


def _log_line(name: str, line: bytes) -> None:
    if text := line.decode(errors="replace").replace("\N{NO-BREAK SPACE}", " ").rstrip():
        logger.info("%s | %s", name, text)
