"""/sessions/{session_id}/forks"""

from http import HTTPStatus

from api.backend.parameters import SESSION_ID
from api.backend.resource import document_response, resource
from api.call import Call
from api.response import Response
from session_store.codec import dump_record, parse_record
from session_store.errors import AlreadyExistsError, MessageNotFoundError, SessionBusyError, SessionNotFoundError
from session_store.raw_json import dump_list, dump_object
from session_store.session_records import ForkRequest

_FORKS = "/sessions/{session_id}/forks"


def fork_session(call: Call) -> Response:
    request = parse_record(ForkRequest, call.document().refuse_others(ForkRequest._fields))
    fork = call.store.sessions.fork(call.owner, call[SESSION_ID], request)
    return document_response(dump_record(fork), HTTPStatus.CREATED)


def list_forks(call: Call) -> Response:
    forks = call.store.sessions.forks(call.owner, call[SESSION_ID])
    return document_response(dump_object({"forks": dump_list(map(dump_record, forks))}))


OPERATIONS = (
    resource(
        "forkSession",
        "POST",
        _FORKS,
        fork_session,
        parameters=[SESSION_ID],
        status=201,
        errors=[SessionNotFoundError, MessageNotFoundError, AlreadyExistsError, SessionBusyError],
    ),
    resource("listForks", "GET", _FORKS, list_forks, parameters=[SESSION_ID], errors=[SessionNotFoundError]),
)
