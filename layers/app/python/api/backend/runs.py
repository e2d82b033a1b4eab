"""/runs: begin, append, commit, renew; and what became of one."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.backend.call import Call
from api.backend.pages import Room
from api.backend.responses import answer
from api.request import Request
from session_store.errors import InvalidInputError
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import object_text
from session_store.records import BegunRun, RunRecord
from session_store.run_wire import begun_text, lease_seconds_of, request_of, run_id_of, run_text, write_of
from session_store.wire import MAXIMUM_BYTES, answered_message_text, wire_bytes


class RunResources:
    def __init__(self, store: PostgreSQLStore) -> None:
        self._runs = store.runs

    def add_to(self, api: BackendApi) -> None:
        api.resource("POST", "/runs", self.begin)
        api.resource("GET", "/runs/{run_id}", self.read)
        api.resource("POST", "/runs/{run_id}/append", self.append)
        api.resource("POST", "/runs/{run_id}/commit", self.commit)
        api.resource("POST", "/runs/{run_id}/renew", self.renew)
        api.resource("POST", "/runs/{run_id}/cancel", self.cancel)

    def begin(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        begun = self._runs.begin(call.owner, request_of(call.document()))
        if isinstance(begun, RunRecord):
            return answer(object_text({}, {"run": run_text(begun)}))
        return answer(_whole_or_beginning(begun), HTTPStatus.CREATED)

    def append(self, request: Request) -> Response[Any]:
        return self._write(request, ends=False)

    def commit(self, request: Request) -> Response[Any]:
        return self._write(request, ends=True)

    def renew(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        document = call.document().refuse_others("session_id", "lease_seconds")
        session_id, lease_seconds = document.identifier("session_id"), lease_seconds_of(document)
        return _cancel_requested(self._runs.renew(call.owner, session_id, _run_id(call), lease_seconds))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        return answer(run_text(self._runs.read(call.owner, call.identifier("run_id"))))

    def cancel(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        run = self._runs.request_cancel(call.owner, call.identifier("run_id"))
        return answer(run_text(run), HTTPStatus.ACCEPTED)

    def _write(self, request: Request, *, ends: bool) -> Response[Any]:
        call = Call.of(request)
        write = write_of(call.document(), _run_id(call))
        if ends != (write.outcome is not None):
            raise InvalidInputError("outcome", "is what a commit has, and an append has not")
        return _cancel_requested(self._runs.write(call.owner, write))


def _run_id(call: Call) -> str:
    return run_id_of("run_id", call.identifier("run_id"))


def _cancel_requested(requested: bool) -> Response[Any]:
    return answer(object_text({"cancel_requested": requested}, {}))


def _whole_or_beginning(begun: BegunRun) -> str:
    """With as many messages as fit beside the agent; the lease keeps the rest until it is read, too."""
    room = Room(MAXIMUM_BYTES - wire_bytes(begun_text(begun, (), None)), may_be_empty=True)
    for message in begun.messages:
        if not room.add(answered_message_text(message)):
            return begun_text(begun, room.items, message.message_id)
    return begun_text(begun, room.items, None)
