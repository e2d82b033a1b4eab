"""/runs: begin, append, commit, renew; and what became of one."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.backend.call import Call
from api.backend.responses import answer
from api.request import Request
from session_store.codec import dump_message, dump_record, nested_members, parse_record, parse_write
from session_store.errors import InvalidInputError
from session_store.identifiers import checked_run_id
from session_store.lease import checked_lease
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import dump_json, dump_list, dump_object
from session_store.records import BegunRun, RunRecord, RunRequest, RunWrite
from session_store.wire import MAXIMUM_BYTES, Page, wire_bytes


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
        document = call.document().refuse_others(RunRequest._fields)
        begun = self._runs.begin(call.owner, parse_record(RunRequest, document))
        if isinstance(begun, RunRecord):
            return answer(dump_object({"run": dump_record(begun)}))
        return answer(_whole_or_beginning(begun), HTTPStatus.CREATED)

    def append(self, request: Request) -> Response[Any]:
        return self._write(request, ends=False)

    def commit(self, request: Request) -> Response[Any]:
        return self._write(request, ends=True)

    def renew(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        document = call.document().refuse_others(("session_id", "lease_seconds"))
        lease_seconds = checked_lease("lease_seconds", document.value("lease_seconds"))
        session_id, run_id = document.identifier("session_id"), _run_id(call)
        return _cancel_requested(self._runs.renew(call.owner, session_id, run_id, lease_seconds))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        return answer(dump_record(self._runs.read(call.owner, call.identifier("run_id"))))

    def cancel(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        run = self._runs.request_cancel(call.owner, call.identifier("run_id"))
        return answer(dump_record(run), HTTPStatus.ACCEPTED)

    def _write(self, request: Request, *, ends: bool) -> Response[Any]:
        call = Call.of(request)
        write = parse_write(call.document(*nested_members(RunWrite)), _run_id(call))
        if ends != (write.outcome is not None):
            raise InvalidInputError("outcome", "is what a commit has, and an append has not")
        return _cancel_requested(self._runs.write(call.owner, write))


def _run_id(call: Call) -> str:
    return checked_run_id("run_id", call.identifier("run_id"))


def _cancel_requested(requested: bool) -> Response[Any]:
    return answer(dump_json({"cancel_requested": requested}))


def _whole_or_beginning(begun: BegunRun) -> str:
    """With as many messages as fit beside the agent; the lease keeps the rest until it is read, too."""
    page = Page(MAXIMUM_BYTES - wire_bytes(_dump_begun(begun, (), None)), may_be_empty=True)
    for message in begun.messages:
        if not page.add(dump_message(message)):
            return _dump_begun(begun, page.items, message.message_id)
    return _dump_begun(begun, page.items, None)


def _dump_begun(begun: BegunRun, messages: Iterable[str], next_message_id: int | None) -> str:
    """The rest of the messages is read from `next_message_id` on, while the lease lasts."""
    return dump_record(begun, messages=dump_list(messages), next_message_id=dump_json(next_message_id))
