"""The runtime processes: started on demand, reused, and replaced when the code has changed."""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from local.gateway import reaper
from local.gateway.environment import Environment
from local.gateway.gateway_problems import GatewayProblem, GatewayProblemError
from local.gateway.invocation import Invocation
from local.gateway.limits import Limits
from local.gateway.shares import Shares
from local.gateway.table import Function


class RuntimePool:
    """`functions` holds one folder per function, `layers` one per layer."""

    def __init__(self, functions: Path, layers: Path, environment: Mapping[str, str], limits: Limits) -> None:
        self._functions, self._layers = functions, layers
        self._environment, self._limits = dict(environment), limits
        self._shares = defaultdict[str, Shares](lambda: Shares(limits.concurrency))
        self._idle = defaultdict[str, list[Environment]](list)
        self._all: set[Environment] = set()
        self._runs: set[asyncio.Task[None]] = set()
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", reaper.__file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    @property
    def process_ids(self) -> list[int]:
        return sorted(pid for environment in self._all if (pid := environment.process_id))

    async def invoke(self, function: Function, event: bytes, owner: str) -> Invocation:
        """Send `event` to a free process. Raises `GatewayProblemError` if `owner` is given none in time.

        The invocation keeps its process until the function is done, even if nobody reads the response any more.
        """
        try:
            async with asyncio.timeout(self._limits.throttle_seconds):
                await self._shares[function.name].acquire(owner)
        except TimeoutError:
            raise GatewayProblemError(GatewayProblem.TOO_MANY_REQUESTS) from None
        invocation = Invocation(event)
        run = asyncio.create_task(self._run(function, invocation, owner))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return invocation

    async def retire(self) -> None:
        """Replace every process: idle ones now, busy ones once they have answered."""
        for environment in self._all:
            environment.retired = True
        idle = [environment for environments in self._idle.values() for environment in environments]
        self._idle.clear()
        await asyncio.gather(*map(self._discard, idle))

    async def restart(self) -> None:
        """Kill every process at once, busy or not."""
        self._idle.clear()
        await asyncio.gather(*map(self._discard, list(self._all)))

    async def close(self) -> None:
        """Call this when no more invocations arrive; those in flight end, because their processes are killed."""
        await self.restart()
        while self._runs:  # a run may have been starting its process just now
            await asyncio.wait(self._runs, timeout=0.05)
            await self.restart()
        await asyncio.to_thread(self._reaper.communicate)

    async def _run(self, function: Function, invocation: Invocation, owner: str) -> None:
        try:
            environment = await self._take(function)
            await environment.serve(invocation)
            await self._put_back(environment)
        except OSError as error:
            await invocation.fail(f"cannot start {function.name}: {error}")
        finally:
            self._shares[function.name].release(owner)

    async def _take(self, function: Function) -> Environment:
        idle = self._idle[function.name]
        while idle:
            environment = idle.pop()
            if environment.alive:
                return environment
            await self._discard(environment)
        folder = self._functions / function.name
        environment = Environment(function, folder, self._layers, self._environment, self._limits)
        self._all.add(environment)
        await environment.start(
            started=lambda group: self._notify_reaper("+", group), ended=lambda group: self._notify_reaper("-", group)
        )
        return environment

    async def _put_back(self, environment: Environment) -> None:
        if environment.alive and not environment.retired:
            self._idle[environment.function.name].append(environment)
        else:
            await self._discard(environment)

    async def _discard(self, environment: Environment) -> None:
        await environment.close()
        self._all.discard(environment)

    def _notify_reaper(self, change: str, group: int) -> None:
        assert self._reaper.stdin is not None  # noqa: S101  it is a pipe
        with suppress(OSError):  # without a reaper we lose the guard against kill -9, but not the request
            self._reaper.stdin.write(f"{change}{group}\n")
            self._reaper.stdin.flush()
