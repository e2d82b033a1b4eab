"""The local API Gateway and Lambda in one object, on its own thread."""

import asyncio
import logging
import os
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, Self, TypeVar

from api.settings import EnvironmentReader
from local.gateway.event import LOCAL_OWNER, Owner
from local.gateway.event_queue import EventQueue
from local.gateway.limits import Limits
from local.gateway.listener import Listener
from local.gateway.pool import RuntimePool
from local.gateway.sources import Sources
from local.gateway.table import LAYERS, ROOT, Route, Table, load_table
from local.gateway.uploads import UploadServer

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Gateway:
    """Serves the operations of `functions/functions.toml` on 127.0.0.1 with real Lambda runtime processes.

    A context manager: everything started ends with the block, or when this process dies in any way. `environment` is
    added to the functions' environment variables. Port 0 takes a free port; raises `OSError` if a port is taken.
    Uploads go to a temporary folder, unless the environment names a bucket.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        port: int = 8000,
        backend_port: int = 8001,
        owner: Owner = LOCAL_OWNER,
        functions: Path = ROOT / "functions",
        layers: Path = LAYERS,
        limits: Limits = Limits(),  # noqa: B008  it is frozen
        binary_media_types: Sequence[str] = (),
    ) -> None:
        self._environment = dict(environment or {})
        self._ports = (port, backend_port)
        self._origins = EnvironmentReader({**os.environ, **self._environment}).origins("CORS_ORIGINS")
        self._owner, self._limits, self._binary_media_types = owner, limits, binary_media_types
        self._functions, self._layers = functions, layers
        self._sources = Sources([functions, layers])
        self._table = self._load_table()
        self._listeners: list[Listener] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="gateway", daemon=True)
        self._running = threading.Event()

    def __enter__(self) -> Self:
        self._upload_folder = tempfile.TemporaryDirectory(prefix="uploads-", ignore_cleanup_errors=True)
        environment = {"UPLOAD_FOLDER": self._upload_folder.name, **self._environment}
        self._uploads = UploadServer(Path(self._upload_folder.name), self._limits.connection, self._origins)
        self._pool = RuntimePool(self._functions, self._layers, environment, self._limits)
        self._queue = EventQueue(self._pool, self._limits)
        self._thread.start()
        self._running.wait()
        try:
            self._call(self._uploads.listen())
            self.port = self.listen(self._ports[0])
            self.backend_port = self._call(self._listen(self._ports[1], self._owner, Table.backend))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._upload_folder.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def backend_url(self) -> str:
        return f"http://127.0.0.1:{self.backend_port}"

    def listen(self, port: int = 0, owner: Owner | None = None) -> int:
        """Serve the API on another port, with `owner` as the caller of every request; returns the port."""
        return self._call(self._listen(port, owner or self._owner, Table.deployed))

    def process_ids(self) -> list[int]:
        """The ids of the runtime processes that are running now."""
        return self._call(self._process_ids())

    def restart_functions(self) -> list[int]:
        """Kill (SIGKILL) every runtime process, busy or not, and return their ids; the next requests start new ones."""
        return self._call(self._restart())

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._running.set()
        try:
            await self._ended.wait()
        finally:
            await asyncio.gather(self._uploads.close(), *(listener.close() for listener in self._listeners))
            await self._queue.close()
            await self._pool.close()

    async def _listen(self, port: int, owner: Owner, routes: Callable[[Table], list[Route]]) -> int:
        listener = Listener(
            self._routes(routes), self._pool, self._queue, owner, self._limits, self._binary_media_types, self._origins
        )
        await listener.listen(port)
        self._uploads.allow(listener.origins)
        self._listeners.append(listener)
        return listener.port

    async def _process_ids(self) -> list[int]:
        return self._pool.process_ids

    async def _restart(self) -> list[int]:
        killed = self._pool.process_ids
        await self._pool.restart()
        return killed

    def _load_table(self) -> Table:
        return load_table(self._functions / "functions.toml", self._layers)

    def _reload(self) -> None:
        try:
            self._table = self._load_table()
        except (
            OSError,
            KeyError,
            ValueError,
            SubprocessError,
        ) as error:  # perhaps half-written: the next change triggers another try
            logger.error("the table of functions cannot be used, the routes stay as they were: %r", error)

    def _routes(self, choose: Callable[[Table], list[Route]]) -> Callable[[], Awaitable[Sequence[Route]]]:
        """Called for every request, so that changed code and a changed table take effect with the next one."""

        async def routes() -> Sequence[Route]:
            if self._sources.changed():
                self._reload()
                await self._pool.retire()
            return choose(self._table)

        return routes
