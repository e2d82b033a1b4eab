"""POST /process-streaming: one turn of the agent, told as it goes on."""

import gc
import os

gc.disable()  # as in `process`

from streaming_route import StreamingRoute

from api.app import Api
from api.settings import Settings
from response_streaming import streamed
from session_store.postgresql import open_store

settings = Settings.from_environment(os.environ)
api = Api(settings)
StreamingRoute(open_store(settings.store), api.observability).add_to(api)
handler = streamed(api)

gc.freeze()
gc.enable()
