"""POST /process: one turn of the agent, answered when it is stored."""

import gc
import os

gc.disable()  # imports leave nothing to collect, and looking for it takes a twelfth of a cold start

from api.app import Api
from api.process_route import add_process
from api.settings import Settings
from session_store.postgresql import open_store
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

settings = Settings.from_environment(os.environ)
handler = Api(settings)
build_agent = load_agent_factory(settings.agent_factory)
add_process(handler, TurnEngine(open_store(settings.store), build_agent, handler.observability.record_run))

gc.freeze()  # what was imported stays: without this, a collection during a turn walks through all of it
gc.enable()
