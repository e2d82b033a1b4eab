"""One turn of a conversation, streamed as it comes."""

import os

from streaming_route import StreamingRoute

from api.app import Api
from api.settings import Settings
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
handler = Api(settings)
StreamingRoute(open_store(settings.store), handler.observability).add_to(handler)
