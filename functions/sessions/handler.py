"""Everything but the conversation itself: no agent is imported here."""

import os

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.observability import Observability
from api.operations import (
    agents,
    console,
    forks,
    memories,
    run_trace,
    runs,
    service,
    sessions,
    ui_messages,
    uploads,
    usage,
)
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
connect_early(store, observability)
served = (
    sessions,
    ui_messages,
    forks,
    uploads,
    agents,
    runs,
    run_trace,
    usage,
    memories,
    service,
    console,
)
operations = [operation for module in served for operation in module.OPERATIONS]
handler = ApiGatewayHandler(operations, Application(settings, store, observability))
