"""Everything but the conversation itself: no agent is imported here."""

import os

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.observability import Observability
from api.operations import agents, attachments, console, forks, runs, service, sessions
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
connect_early(store, observability)
application = Application(settings, store, observability)
handler = ApiGatewayHandler(
    (
        *sessions.OPERATIONS,
        *forks.OPERATIONS,
        *attachments.OPERATIONS,
        *agents.OPERATIONS,
        *runs.OPERATIONS,
        *service.OPERATIONS,
        *console.OPERATIONS,
    ),
    application,
)
