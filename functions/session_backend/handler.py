"""The session store as a REST API, for agents that have no way into the database's network."""

import os
from dataclasses import replace

from api.application import Application
from api.backend.catalog import OPERATIONS
from api.backend.contract_problems import dump_problem
from api.early_connection import connect_early
from api.edges.api_gateway import ApiGatewayHandler
from api.observability import Observability
from api.settings import Settings
from session_store.postgresql import open_store
from session_store.wire import MAXIMUM_BYTES, MAXIMUM_DEPTH

settings = replace(Settings.from_environment(os.environ), max_body_bytes=MAXIMUM_BYTES, max_json_depth=MAXIMUM_DEPTH)
store, observability = open_store(settings.store), Observability(settings)
connect_early(store, observability)
application = Application(settings, store, observability, dump_problem=dump_problem)
handler = ApiGatewayHandler(OPERATIONS, application)
