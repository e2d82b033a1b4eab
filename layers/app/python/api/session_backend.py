"""The session backend as a server: `python -m api.session_backend`."""

import os
from dataclasses import replace

from api.application import Application
from api.backend.catalog import OPERATIONS
from api.backend.contract_problems import dump_problem
from api.server import process
from api.server.observability import ServerObservability
from api.server.settings import ServerSettings
from api.server.start import Served, serve_built
from session_store.errors import ConfigurationError
from session_store.postgresql import PostgreSQLStore
from session_store.wire import MAXIMUM_BYTES, MAXIMUM_DEPTH


def build(settings: ServerSettings, store: PostgreSQLStore, observability: ServerObservability) -> Served:
    """Raises `ConfigurationError` where it would be behind another session backend."""
    if not settings.application.store.is_postgresql:
        raise ConfigurationError("SESSION_BACKEND_URL must begin with postgresql:// for the session backend itself")
    limits = replace(settings.application, max_body_bytes=MAXIMUM_BYTES, max_json_depth=MAXIMUM_DEPTH)
    application = Application(limits, store, observability, dump_problem=dump_problem)
    return Served(OPERATIONS, application)


if __name__ == "__main__":
    process.run(lambda: serve_built(build, os.environ, default_port=8001, has_agent=False))
