"""The local stack: PostgreSQL, a model, and the functions behind the gateway. Run it with `python -m local.stack`."""

import contextlib
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Self

from local.database import DatabaseError
from local.gateway import Gateway, Owner
from local.gateway.event import ACCOUNT_ID
from local.laptop import OF_THE_DEVELOPER, StackError, start_database, start_model
from local.model import LocalModelError
from session_store.errors import SessionStoreError

CALLER_NAME = re.compile(r"[a-z0-9]{1,32}")

logger = logging.getLogger("local")


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
            self.database_url = start_database(parts, self._environment)
            self.gateway = self._start_gateway(parts, start_model(parts, self._environment))
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

    def _start_gateway(self, parts: contextlib.ExitStack, model: Mapping[str, str]) -> Gateway:
        environment = {
            **OF_THE_DEVELOPER,
            "SEARCH": "messages",
            **self._environment,
            **model,
            "SESSION_BACKEND_URL": self.database_url,
        }
        caller_ports = self._caller_ports()
        if caller_ports and 0 not in caller_ports.values():
            callers = {"local": self._port, **caller_ports}
            environment["CONSOLE_CALLERS"] = " ".join(f"{name}={port}" for name, port in callers.items())
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
