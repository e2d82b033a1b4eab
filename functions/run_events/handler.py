"""For those who watch a run or have lost it, without an agent; and attachments, which no other answer can hold."""

import os

from api.application import Application
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.observability import Observability
from api.operations import attachments, chat_stream, run_events
from api.settings import Settings
from response_streaming import streamed
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
store, observability = open_store(settings.store), Observability(settings)
connect_early(store, observability)
operations = (*run_events.OPERATIONS, *chat_stream.OPERATIONS, *attachments.OPERATIONS)
handler = streamed(ApiGatewayHandler(operations, Application(settings, store, observability)))
