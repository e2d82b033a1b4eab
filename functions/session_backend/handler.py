"""The session store as a REST API, for agents that have no way into the database's network."""

import os
from dataclasses import replace

from api.backend.agents import AgentResources, MultiAgentResources
from api.backend.app import BackendApi
from api.backend.health import HealthRoutes
from api.backend.messages import MessageResources
from api.backend.runs import RunResources
from api.backend.sessions import SessionResources
from api.settings import Settings
from session_store.postgresql import open_store
from session_store.wire import MAXIMUM_BYTES, MAXIMUM_DEPTH

settings = replace(Settings.from_environment(os.environ), max_body_bytes=MAXIMUM_BYTES, max_json_depth=MAXIMUM_DEPTH)
store = open_store(settings.store)
handler = BackendApi(settings)
for resources in (SessionResources, AgentResources, MultiAgentResources, MessageResources, RunResources, HealthRoutes):
    resources(store).add_to(handler)
