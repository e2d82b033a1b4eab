"""The local stack: PostgreSQL, a model, and the functions behind the gateway. Run it with `python -m local.stack`."""

import contextlib
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import psycopg

from local.database import DatabaseError, EmbeddedDatabase
from local.gateway import Gateway, Owner
from local.gateway.event import ACCOUNT_ID
from local.model import LocalModel, LocalModelError
from session_store.connection import connect
from session_store.errors import SessionStoreError
from session_store.migrate import apply_migrations
from session_store.settings import StoreSettings

DEFAULT_MODEL_PROVIDER = "local"
CALLER_NAME = re.compile(r"[a-z0-9]{1,32}")

logger = logging.getLogger("local")


class StackError(RuntimeError):
    """The local stack cannot start; the message says why and what to do."""


START_ERRORS = (StackError, DatabaseError, LocalModelError, SessionStoreError)
"""What `Stack` raises when it cannot start; the messages are meant for the user."""


class Stack:
    """A context manager that runs the local stack. Port 0 takes a free one.

    In the environment, `SESSION_BACKEND_URL=postgresql://…` replaces the embedded database, and `MODEL_PROVIDER` and
    `MODEL_ID` replace the small local model. `LOCAL_CALLERS` names further callers, each served on a port of its own.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, *, port: int | None = None, backend_port: int | None = None
    ) -> None:
        self._environment = environment
        self._port = self._read_port("PORT", 8000) if port is None else port
        self._backend_port = self._read_port("SESSION_BACKEND_PORT", 8001) if backend_port is None else backend_port
        self._callers = self._read_callers()
        self.caller_urls: dict[str, str] = {}
        self._parts = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as parts:
            self.database_url = self._start_database(parts)
            self.gateway = self._start_gateway(parts, self._start_model(parts))
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

    def _read_port(self, variable: str, default: int) -> int:
        value = self._environment.get(variable) or str(default)
        if not value.isascii() or not value.isdigit() or int(value) > 65535:
            raise StackError(f"{variable} must be a port number, not {value!r}")
        return int(value)

    def _read_callers(self) -> list[str]:
        names = self._environment.get("LOCAL_CALLERS", "").split()
        if odd := [name for name in names if not CALLER_NAME.fullmatch(name)]:
            raise StackError(f"LOCAL_CALLERS must be names of lower-case letters and digits, not {odd[0]!r}")
        return list(dict.fromkeys(names))

    def _start_database(self, parts: contextlib.ExitStack) -> str:
        configured_url = self._environment.get("SESSION_BACKEND_URL")
        settings = StoreSettings.from_environment(self._environment)
        if configured_url and not settings.is_postgresql:
            raise StackError(
                "SESSION_BACKEND_URL must begin with postgresql:// here: the local stack is itself the session backend"
            )
        url = configured_url or parts.enter_context(EmbeddedDatabase()).url
        try:
            with connect(replace(settings, url=url)) as connection:  # with the functions' own settings
                applied = apply_migrations(connection)
        except psycopg.Error as error:
            raise StackError(f"the database cannot be used: {error}") from error
        logger.info("PostgreSQL is ready%s", f", applied {', '.join(applied)}" if applied else "")
        return url

    def _start_gateway(self, parts: contextlib.ExitStack, model: Mapping[str, str]) -> Gateway:
        environment = {
            "LOG_ERROR_WORDS": "true",  # on this machine they are the developer's own
            **self._environment,
            **model,
            "SESSION_BACKEND_URL": self.database_url,
        }
        caller_ports = self._caller_ports()
        try:
            gateway = parts.enter_context(Gateway(environment, port=self._port, backend_port=self._backend_port))
            self.caller_urls = {
                name: f"http://127.0.0.1:{gateway.listen(port, _make_caller(name))}"
                for name, port in caller_ports.items()
            }
        except OSError as error:
            ports = " or ".join(map(str, [self._port, self._backend_port, *caller_ports.values()]))
            raise StackError(
                f"port {ports} cannot be opened: set PORT and SESSION_BACKEND_PORT to others, or to 0 for any free one"
                f" ({error})"
            ) from error
        return gateway

    def _caller_ports(self) -> dict[str, int]:
        """The ports after ours; free ones if ours are, or if there are none after ours."""
        first = max(self._port, self._backend_port) + 1
        free = 0 in (self._port, self._backend_port) or first + len(self._callers) > 65536
        return {name: 0 if free else first + index for index, name in enumerate(self._callers)}

    def _start_model(self, parts: contextlib.ExitStack) -> dict[str, str]:
        provider = self._environment.get("MODEL_PROVIDER") or DEFAULT_MODEL_PROVIDER
        chosen = {"MODEL_PROVIDER": provider}
        if provider != DEFAULT_MODEL_PROVIDER:
            _check_model(self._environment)
        elif not self._environment.get("LOCAL_MODEL_URL"):
            chosen["LOCAL_MODEL_URL"] = parts.enter_context(LocalModel()).url
        return chosen


def _check_model(environment: Mapping[str, str]) -> None:
    from agent.models import check_model  # Strands takes a second to import, and the default model does without

    check_model(environment)


def _make_caller(name: str) -> Owner:
    return Owner(f"AIDA{name.upper()}", f"arn:aws:iam::{ACCOUNT_ID}:user/{name}")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)-24s %(message)s")
    # All of them act like Ctrl-C, so that everything already started, even halfway, is stopped on the way out.
    for ending in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # shells start background jobs with SIGINT ignored
        signal.signal(ending, signal.default_int_handler)
    try:
        _serve()
    except KeyboardInterrupt:
        pass
    except START_ERRORS as error:
        sys.exit(str(error))


def _serve() -> None:
    with Stack() as stack:
        print(f"\nConsole           {stack.api_url}/")
        print(f"API               {stack.api_url}")
        print(f"Session backend   {stack.backend_url}")
        for name, url in stack.caller_urls.items():
            print(f"As {name:<14} {url}/")
        if not stack.caller_urls:
            print('As other callers  LOCAL_CALLERS="alice bob" make local')
        print("Stop with Ctrl-C.\n", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
