"""The API as a server, with the agent in it: `python -m api.app`."""

import os

from api.application import Application
from api.catalog import API, CONSOLE
from api.operations import agent_core
from api.server import process
from api.server.observability import ServerObservability
from api.server.start import Served, serve_built
from api.settings import Settings
from session_store.postgresql import PostgreSQLStore
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

OPERATIONS = (*API, *CONSOLE, *agent_core.OPERATIONS)


def build(settings: Settings, store: PostgreSQLStore, observability: ServerObservability) -> Served:
    turns = TurnEngine(
        store, load_agent_factory(settings.agent_factory), observability.record_run, agent_id=settings.agent_id
    )
    return Served(OPERATIONS, Application(settings, store, observability, turns), turns.stop)


if __name__ == "__main__":
    process.run(lambda: serve_built(build, os.environ, default_port=8000, has_agent=True))
