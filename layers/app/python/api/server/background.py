"""POST /runs in a process of one's own: what Lambda's queue does behind API Gateway."""

import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from http import HTTPStatus

from api.accepted_run import NotBegunError, dump_accepted, run_accepted
from api.call import Call
from api.errors import PayloadTooLargeError, ServerBusyError
from api.operations.create_run import CREATE_RUN
from api.request import Request
from api.response import Response, text_response
from session_store.background_runs import MAXIMUM_BODY_BYTES, new_run_id

# As often as Lambda tries an event, and sooner.
PAUSE_SECONDS = (1.0, 5.0, 0.0)


class BackgroundRuns:
    """Answers `POST /runs` at once, and runs the turn on a thread of its own; at most `maximum` of them at a time."""

    def __init__(self, maximum: int) -> None:
        self._free = threading.Semaphore(maximum)
        self._threads = ThreadPoolExecutor(maximum, "background-run")
        self._running = set[Future[None]]()
        self.operation = replace(CREATE_RUN, handle=self._accept)

    @property
    def is_idle(self) -> bool:
        return not self._running

    def _accept(self, call: Call) -> Response:
        """Raises `ServerBusyError`, and `PayloadTooLargeError` as the deployed API does, whose queue takes no more."""
        content = call.request.read_body()
        if len(content) > MAXIMUM_BODY_BYTES:
            raise PayloadTooLargeError("body", f"is larger than {MAXIMUM_BODY_BYTES} bytes")
        run_id = new_run_id(str(uuid.uuid4()), int(time.time() * 1000))
        request = replace(call.request, request_id=run_id, read_body=lambda: content)
        if not self._free.acquire(blocking=False):
            raise ServerBusyError
        running = self._threads.submit(copy_context().run, _run, call, request)
        self._running.add(running)
        running.add_done_callback(self._forget)
        headers = {"Location": f"/runs/{run_id}"}
        return text_response(dump_accepted(run_id), "application/json", HTTPStatus.ACCEPTED, headers)

    def _forget(self, ended: "Future[None]") -> None:
        self._running.discard(ended)
        self._free.release()


def _run(call: Call, request: Request) -> None:
    with call.application.observability.request_context(request.request_id):
        for seconds in PAUSE_SECONDS:
            try:
                return run_accepted(call.application, CREATE_RUN, request)
            except NotBegunError:  # each try is logged; after the last one the run stays one that never began
                time.sleep(seconds)
    return None
