"""Everything but the conversation itself: no agent is imported here."""

import os

from api.agent_routes import AgentRoutes
from api.app import Api
from api.console.routes import ConsoleRoutes
from api.run_routes import RunRoutes
from api.service_routes import ServiceRoutes
from api.session_routes import SessionRoutes
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
store = open_store(settings.store)
handler = Api(settings)
SessionRoutes(store).add_to(handler)
AgentRoutes(store).add_to(handler)
RunRoutes(store).add_to(handler)
ServiceRoutes(store).add_to(handler)
ConsoleRoutes(settings).add_to(handler)
