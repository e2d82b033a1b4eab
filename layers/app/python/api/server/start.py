"""Puts a server together from the environment, and serves until the process is to end."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple, cast

from api.application import Application
from api.edges.asgi import AsgiEdge
from api.edges.asgi_caller import FindCaller, ProxyCaller, loopback_caller
from api.operation import Operation
from api.server import process, readiness
from api.server.laptop import complete_environment
from api.server.observability import ServerObservability
from api.server.settings import ServerSettings
from session_store import open_store
from session_store.errors import ConfigurationError, StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.store import Store

# A statement takes milliseconds, so that a few connections do for hundreds of turns.
_POOLED = {"DATABASE_POOL_SIZE": "10"}


class Served(NamedTuple):
    """stop: ends what the application still has at work. is_idle: whether it has nothing at work that nobody awaits."""

    operations: Sequence[Operation]
    application: Application
    stop: Callable[[], None] = lambda: None
    is_idle: Callable[[], bool] = lambda: True


Build = Callable[[ServerSettings, PostgreSQLStore, ServerObservability], Served]


def serve_built(build: Build, environment: Mapping[str, str], *, default_port: int, has_agent: bool) -> None:
    """Raises `ConfigurationError` for whatever keeps the server from being of use."""
    settings = ServerSettings.from_environment(environment, default_port)
    with process.open_port("PORT", settings.host, settings.port) as listener, ExitStack() as parts:
        completed = dict(parts.enter_context(complete_environment(environment, has_agent=has_agent)))
        os.environ.update(completed)  # a model reads its own variables
        settings = ServerSettings.from_environment(_POOLED | completed, default_port)
        store, observability = _open_store(settings), ServerObservability(settings.application)
        parts.callback(store.close)
        served = build(settings, cast(PostgreSQLStore, store), observability)
        operations = (*served.operations, *readiness.OPERATIONS)
        edge = AsgiEdge(operations, served.application, _make_find_caller(settings), settings.maximum_requests)
        if settings.metrics_port is not None:
            serving = process.serve_metrics(observability.registry, settings.host, settings.metrics_port)
            _announce("Metrics", settings.host, parts.enter_context(serving), "/metrics")
        _announce("Serving", settings.host, listener.getsockname()[1])
        process.serve(edge, listener, settings.shutdown_seconds, served.stop, served.is_idle)


def _open_store(settings: ServerSettings) -> Store:
    store = open_store(settings.application.store)
    try:
        readiness.check_store(store)
    except StoreUnavailableError as error:
        store.close()
        raise ConfigurationError(f"SESSION_BACKEND_URL cannot be used: {error}") from error
    return store


def _make_find_caller(settings: ServerSettings) -> FindCaller:
    if settings.token:
        from api.edges.asgi_token_caller import TokenCaller

        return TokenCaller(*settings.token)
    return ProxyCaller(settings.caller_header) if settings.caller_header else loopback_caller


def _announce(what: str, host: str, port: int, path: str = "") -> None:
    address = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"{what} on http://{address}:{port}{path}\n")
    sys.stderr.flush()
