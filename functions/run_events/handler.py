"""GET /runs/{run_id}/events: a run's stream, for those who watch it or have lost it; no agent is imported here."""

import os

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.observability import Observability
from api.operations import run_events
from api.settings import Settings
from response_streaming import streamed
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
connect_early(store, observability)
handler = streamed(ApiGatewayHandler(run_events.OPERATIONS, Application(settings, store, observability)))
