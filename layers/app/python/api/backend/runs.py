"""/runs: begin, append, commit, renew; and what became of one."""

from collections.abc import Iterable
from http import HTTPStatus

from api.backend.parameters import RUN_ID
from api.backend.resource import document_response, resource
from api.call import Call
from api.response import Response, no_content
from session_store.codec import dump_message, dump_record, nested_members, parse_record, parse_write
from session_store.errors import (
    BudgetExhaustedError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    LeaseLostError,
    MessageOrderError,
    RunInProgressError,
    RunNotFoundError,
    SessionBusyError,
)
from session_store.identifiers import checked_run_id
from session_store.lease import checked_lease
from session_store.raw_json import dump_json, dump_list, dump_object
from session_store.records import BegunRun, RunRecord, RunRequest, RunWrite
from session_store.wire import MAXIMUM_BYTES, Page, wire_bytes

_RUN = "/runs/{run_id}"


def begin_run(call: Call) -> Response:
    """201 with what the run restores, or 200 with the stored run of the same idempotency key."""
    begun = call.store.runs.begin(
        call.owner, parse_record(RunRequest, call.document().refuse_others(RunRequest._fields))
    )
    if isinstance(begun, RunRecord):
        return document_response(dump_object({"run": dump_record(begun)}))
    return document_response(_whole_or_beginning(begun), HTTPStatus.CREATED)


def append_to_run(call: Call) -> Response:
    return _write(call, ends=False)


def commit_run(call: Call) -> Response:
    return _write(call, ends=True)


def renew_run(call: Call) -> Response:
    body = call.document().refuse_others(("session_id", "lease_seconds"))
    lease_seconds = checked_lease("lease_seconds", body.value("lease_seconds"))
    session_id, run_id = body.identifier("session_id"), _run_id(call)
    return _cancel_requested(call.store.runs.renew(call.owner, session_id, run_id, lease_seconds))


def abandon_run(call: Call) -> Response:
    call.store.runs.abandon(call.owner, _run_id(call))
    return no_content()


def read_run(call: Call) -> Response:
    return document_response(dump_record(call.store.runs.read(call.owner, call[RUN_ID])))


def cancel_run(call: Call) -> Response:
    return document_response(dump_record(call.store.runs.request_cancel(call.owner, call[RUN_ID])), HTTPStatus.ACCEPTED)


def _write(call: Call, *, ends: bool) -> Response:
    write = parse_write(call.document(*nested_members(RunWrite)), _run_id(call))
    if ends != (write.outcome is not None):
        raise InvalidInputError("outcome", "is what a commit has, and an append has not")
    return _cancel_requested(call.store.runs.write(call.owner, write))


def _run_id(call: Call) -> str:
    return checked_run_id("run_id", call[RUN_ID])


def _cancel_requested(requested: bool) -> Response:
    return document_response(dump_json({"cancel_requested": requested}))


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


_WRITE_ERRORS = (LeaseLostError, MessageOrderError)
OPERATIONS = (
    resource(
        "beginRun",
        "POST",
        "/runs",
        begin_run,
        status=201,
        errors=[SessionBusyError, RunInProgressError, IdempotencyKeyReusedError, BudgetExhaustedError],
    ),
    resource("readRun", "GET", _RUN, read_run, parameters=[RUN_ID], errors=[RunNotFoundError]),
    resource("appendToRun", "POST", f"{_RUN}/append", append_to_run, parameters=[RUN_ID], errors=_WRITE_ERRORS),
    resource("commitRun", "POST", f"{_RUN}/commit", commit_run, parameters=[RUN_ID], errors=_WRITE_ERRORS),
    resource("renewRun", "POST", f"{_RUN}/renew", renew_run, parameters=[RUN_ID], errors=[LeaseLostError]),
    resource("abandonRun", "POST", f"{_RUN}/abandon", abandon_run, parameters=[RUN_ID], status=204),
    resource(
        "cancelRun", "POST", f"{_RUN}/cancel", cancel_run, parameters=[RUN_ID], status=202, errors=[RunNotFoundError]
    ),
)
