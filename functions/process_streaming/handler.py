"""POST /process-streaming, /ag-ui and /chat: one turn of the agent, streamed as it goes on."""

import gc
import os

gc.disable()  # as in `process`

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.event_stream import explain
from api.observability import Observability
from api.operations import ag_ui, chat, process_streaming
from api.settings import Settings
from response_streaming import streamed
from session_store.postgresql import open_store
from turns.agent_factory import load_agent_factory
from turns.engine import TurnEngine

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
build_agent = load_agent_factory(settings.agent_factory)
turns = TurnEngine(
    store,
    build_agent,
    observability.record_run,
    agent_id=settings.agent_id,
    run_events=store.run_events if settings.resumable_streams else None,
    explain=explain,
)
connect_early(store, observability)
operations = (*process_streaming.OPERATIONS, *ag_ui.OPERATIONS, *chat.OPERATIONS)
handler = streamed(ApiGatewayHandler(operations, Application(settings, store, observability, turns)))

gc.freeze()
gc.enable()
