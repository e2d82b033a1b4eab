"""POST /runs: one turn of the agent, with nobody connected. The gateway has answered; Lambda's queue calls this."""

import gc
import os

gc.disable()  # as in `process`

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway_queue import QueueHandler
from api.event_stream import explain
from api.observability import Observability
from api.operations import create_run
from api.settings import Settings
from session_store.postgresql import open_store
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
turns = TurnEngine(
    store,
    load_agent_factory(settings.agent_factory),
    observability.record_run,
    agent_id=settings.agent_id,
    run_events=store.run_events if settings.resumable_streams else None,
    explain=explain,
)
connect_early(store, observability)
handler = QueueHandler(create_run.CREATE_RUN, Application(settings, store, observability, turns))

gc.freeze()
gc.enable()
