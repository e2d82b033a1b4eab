"""POST /process-streaming: one turn of the agent, streamed as it goes on."""

import gc
import os

gc.disable()  # as in `process`

from api.app import Api
from api.process_streaming_route import add_process_streaming
from api.settings import Settings
from response_streaming import streamed
from session_store.postgresql import open_store
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

settings = Settings.from_environment(os.environ)
api = Api(settings)
build_agent = load_agent_factory(settings.agent_factory)
add_process_streaming(api, TurnEngine(open_store(settings.store), build_agent, api.observability.record_run))
handler = streamed(api)

gc.freeze()
gc.enable()
