"""Runs an ASGI application until the process is to end."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, NoReturn

import uvicorn
from prometheus_client import CollectorRegistry, start_http_server

from session_store.errors import ConfigurationError

# To write that a run has ended, and to tell its caller.
END_SECONDS = 5
BACKLOG = 2048
PAUSE_SECONDS = 0.1


def open_port(name: str, host: str, port: int) -> socket.socket:
    """A listening socket. Raises `ConfigurationError` naming the variable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"{name}={port} cannot be opened on {host}: {error.strerror or error}") from error


@contextlib.contextmanager
def serve_metrics(registry: CollectorRegistry, host: str, port: int) -> Generator[int]:
    """`/metrics` for Prometheus, on a port of its own, which the proxy in front of the API does not pass on."""
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigurationError(
            f"METRICS_PORT={port} cannot be opened on {host}: {error.strerror or error}"
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serve(
    application: Any,
    listener: socket.socket,
    shutdown_seconds: float,
    stop: Callable[[], None],
    is_idle: Callable[[], bool],
) -> None:
    """Until SIGTERM or SIGINT; then no connection is taken, and what is at work has `shutdown_seconds` until `stop`."""
    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(shutdown_seconds) + END_SECONDS,
    )
    gc.collect()
    gc.freeze()  # what was imported stays: a collection that walks through it holds up every turn
    asyncio.run(_Server(config, shutdown_seconds, stop, is_idle).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, shutdown_seconds: float, stop: Callable[[], None], is_idle: Callable[[], bool]
    ) -> None:
        super().__init__(config)
        self._shutdown_seconds, self._stop, self._is_idle = shutdown_seconds, stop, is_idle

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time() + self._shutdown_seconds + END_SECONDS
        stopping = loop.call_later(self._shutdown_seconds, self._stop)
        await super().shutdown(sockets)
        while not self._is_idle() and loop.time() < last:
            await asyncio.sleep(PAUSE_SECONDS)
        stopping.cancel()


def run(main: Callable[[], None]) -> NoReturn:
    """Exit with 0 when the process was asked to end, with 1 and one sentence when it cannot begin."""
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises the signal again once it has ended
    try:
        main()
    except ConfigurationError as error:
        sys.exit(str(error))
    except (KeyboardInterrupt, SystemExit):
        pass
    sys.stdout.flush()
    os._exit(0)  # a thread that still waits, for a tool or for a run's events, keeps no process


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
