"""POST /process: one turn of the agent, answered when it is stored; and what the agent is."""

import gc
import os

gc.disable()  # imports leave nothing to collect, and looking for it takes a twelfth of a cold start

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.observability import Observability
from api.operations import agent_description, process
from api.settings import Settings
from session_store.postgresql import open_store
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
build_agent = load_agent_factory(settings.agent_factory)
turns = TurnEngine(store, build_agent, observability.record_run, agent_id=settings.agent_id)
connect_early(store, observability)
operations = (*process.OPERATIONS, *agent_description.OPERATIONS)
handler = ApiGatewayHandler(operations, Application(settings, store, observability, turns))

gc.freeze()  # what was imported stays: without this, a collection during a turn walks through all of it
gc.enable()
