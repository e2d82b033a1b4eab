"""The API as a server, with the agent in it: `python -m api.app`."""

import os

from api.application import Application
from api.catalog import API, CONSOLE
from api.event_stream import explain
from api.operations import agent_core
from api.server import process
from api.server.background import BackgroundRuns
from api.server.observability import ServerObservability
from api.server.settings import ServerSettings
from api.server.start import Served, serve_built
from session_store.postgresql import PostgreSQLStore
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

# What needs the database itself, and has no way through a session backend.
DATABASE_OPERATIONS = ("createRun", "readRunEvents", "readChatStream", "readUsage")


def build(settings: ServerSettings, store: PostgreSQLStore, observability: ServerObservability) -> Served:
    of_all, background = settings.application, BackgroundRuns(settings.maximum_requests)
    has_database = of_all.store.is_postgresql
    turns = TurnEngine(
        store,
        load_agent_factory(of_all.agent_factory),
        observability.record_run,
        agent_id=of_all.agent_id,
        run_events=store.run_events if has_database and of_all.resumable_streams else None,
        explain=explain,
    )
    operations = [
        background.operation if operation.operation_id == background.operation.operation_id else operation
        for operation in (*API, *CONSOLE, *agent_core.make_operations(lambda: not background.is_idle))
        if has_database or operation.operation_id not in DATABASE_OPERATIONS
    ]
    application = Application(of_all, store, observability, turns)
    return Served(operations, application, turns.stop, lambda: background.is_idle)


if __name__ == "__main__":
    process.run(lambda: serve_built(build, os.environ, default_port=8000, has_agent=True))
