"""Everything on one machine: PostgreSQL, a model, the functions behind the gateway. `python -m local.stack` runs it."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Mapping
from typing import Self

import psycopg

from local.database import EmbeddedDatabase
from local.gateway import Gateway
from session_store.migrate import apply_migrations
from session_store.settings import StoreSettings

DEFAULT_MODEL_PROVIDER = "local"

logger = logging.getLogger("local")


class Stack:
    """The local stack, from `with` to its end. Ports of 0 take free ones.

    `SESSION_BACKEND_URL=postgresql://…` in the environment uses that database instead of the embedded one;
    `MODEL_PROVIDER` and `MODEL_ID` another model than the small one that runs here.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, *, port: int | None = None, backend_port: int | None = None
    ) -> None:
        self._environment = environment
        self._port = int(environment.get("PORT", "8000")) if port is None else port
        backend = environment.get("SESSION_BACKEND_PORT", "8001")
        self._backend_port = int(backend) if backend_port is None else backend_port
        self._parts = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as parts:
            self.database_url = self._start_database(parts)
            self.gateway = parts.enter_context(
                Gateway(
                    {**self._environment, **self._start_model(parts), "SESSION_BACKEND_URL": self.database_url},
                    port=self._port,
                    backend_port=self._backend_port,
                )
            )
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    @property
    def api_url(self) -> str:
        return self.gateway.url

    @property
    def backend_url(self) -> str:
        return self.gateway.backend_url

    def _start_database(self, parts: contextlib.ExitStack) -> str:
        url = self._environment.get("SESSION_BACKEND_URL")
        if url and not StoreSettings(url=url).is_postgresql:
            raise SystemExit("SESSION_BACKEND_URL must begin with postgresql:// here: the local stack is the backend")
        url = url or parts.enter_context(EmbeddedDatabase()).url
        with psycopg.connect(url) as connection:
            applied = apply_migrations(connection)
        logger.info("PostgreSQL is ready%s", f", applied {', '.join(applied)}" if applied else "")
        return url

    def _start_model(self, parts: contextlib.ExitStack) -> dict[str, str]:
        provider = self._environment.get("MODEL_PROVIDER", DEFAULT_MODEL_PROVIDER)
        chosen = {"MODEL_PROVIDER": provider}
        if provider == DEFAULT_MODEL_PROVIDER and "LOCAL_MODEL_URL" not in self._environment:
            from local.model import LocalModel

            chosen["LOCAL_MODEL_URL"] = parts.enter_context(LocalModel()).url
        return chosen


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)-24s %(message)s")
    # SIGTERM ends as Ctrl-C does: whatever was started, even while it starts, is stopped on the way out.
    for ending in (signal.SIGTERM, signal.SIGINT):  # a shell starts background jobs with SIGINT ignored
        signal.signal(ending, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), Stack() as stack:
        print(f"\nConsole           {stack.api_url}/")
        print(f"API               {stack.api_url}")
        print(f"Session backend   {stack.backend_url}")
        print("Stop with Ctrl-C.\n", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
