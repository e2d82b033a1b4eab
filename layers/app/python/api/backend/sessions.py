"""/sessions: by page as the contract has it, or by cursor in time that does not grow with the table."""

from http import HTTPStatus

from api.backend.pages import PageQuery
from api.backend.parameters import CURSOR, LIMIT, PAGE, PAGE_SIZE, SESSION_ID
from api.backend.resource import document_response, resource
from api.call import Call
from api.errors import UploadsUnavailableError
from api.operations.sessions import INCLUDE, METADATA, QUERY, TITLE, parse_filter
from api.response import Response, no_content
from api.session_deletion import delete_with_uploads
from session_store.codec import dump_record, parse_record
from session_store.document import Document
from session_store.errors import AlreadyExistsError, CursorNotFoundError, InvalidInputError, SessionNotFoundError
from session_store.identifiers import checked
from session_store.raw_json import dump_json, dump_list, dump_object
from session_store.records import MultiAgentRecord, SessionRecord
from session_store.restorable import check_multi_agent
from session_store.session_patch import parse_session_patch
from session_store.session_records import EVERY_SESSION

_SESSION = "/sessions/{session_id}"
_DEFAULT_LIMIT = 50
_UNNAMED = "default"


def create_session(call: Call) -> Response:
    body = call.document()
    session, multi_agent = parse_record(SessionRecord, body), _checked(_multi_agent_in(body))
    call.store.sessions.create(call.owner, session, multi_agent)
    return document_response(_dump_session(session, multi_agent and multi_agent.state), HTTPStatus.CREATED)


def list_sessions(call: Call) -> Response:
    limit, cursor, only = call[LIMIT], call[CURSOR], parse_filter(call)
    if (query := call[QUERY]) is not None:
        matches = call.store.sessions.search(call.owner, query, limit=_DEFAULT_LIMIT if limit is None else limit)
        return document_response(dump_object({"matches": dump_list(map(dump_record, matches))}))
    if limit is not None or cursor is not None or only._replace(include_empty=False) != EVERY_SESSION:
        return _list_from_cursor(call, _DEFAULT_LIMIT if limit is None else limit)
    place, sessions, include_empty = PageQuery.of(call), call.store.sessions, only.include_empty
    records = sessions.page(call.owner, limit=place.size, offset=place.offset, include_empty=include_empty)
    total = sessions.count(call.owner, include_empty=include_empty)
    return document_response(dump_object({**place.members(total), "sessions": dump_list(map(dump_record, records))}))


def read_session(call: Call) -> Response:
    session = call.store.sessions.read(call.owner, call[SESSION_ID])
    if session is None:
        raise SessionNotFoundError(call[SESSION_ID])
    return document_response(_dump_session(session, call.store.multi_agents.newest(call.owner, session.session_id)))


def update_session(call: Call) -> Response:
    body = call.document()
    session, multi_agent = (
        parse_record(SessionRecord, body, session_id=call[SESSION_ID]),
        _checked(_multi_agent_in(body)),
    )
    call.store.sessions.update(call.owner, session.session_id, session.session_type, multi_agent)
    return read_session(call)


def patch_session(call: Call) -> Response:
    session = call.store.sessions.patch(call.owner, call[SESSION_ID], parse_session_patch(call.json()))
    return document_response(dump_record(session))


def delete_session(call: Call) -> Response:
    delete_with_uploads(call, call[SESSION_ID])
    return no_content()


def _list_from_cursor(call: Call, limit: int) -> Response:
    page = call.store.sessions.list(call.owner, limit=limit, cursor=call[CURSOR], only=parse_filter(call))
    items = dump_list(map(dump_record, page.sessions))
    return document_response(dump_object({"next_cursor": dump_json(page.next_cursor), "sessions": items}))


def _multi_agent_in(body: Document) -> MultiAgentRecord | None:
    """Stored under the id that Strands writes into the state, or without one under the session's own."""
    if not body.has("multi_agent_state"):
        return None
    state = body.object("multi_agent_state")
    try:
        return MultiAgentRecord(checked("id", body.value("multi_agent_state").get("id", _UNNAMED)), state)
    except InvalidInputError as error:
        raise InvalidInputError("multi_agent_state", "must name its multi-agent as its id") from error


def _checked(multi_agent: MultiAgentRecord | None) -> MultiAgentRecord | None:
    if multi_agent:
        check_multi_agent(multi_agent)
    return multi_agent


def _dump_session(session: SessionRecord, multi_agent_state: str | None) -> str:
    return dump_record(session, **({"multi_agent_state": multi_agent_state} if multi_agent_state else {}))


OPERATIONS = (
    resource("createSession", "POST", "/sessions", create_session, status=201, errors=[AlreadyExistsError]),
    resource(
        "listSessions",
        "GET",
        "/sessions",
        list_sessions,
        parameters=[PAGE, PAGE_SIZE, LIMIT, CURSOR, QUERY, TITLE, METADATA, INCLUDE],
        errors=[CursorNotFoundError],
    ),
    resource("readSession", "GET", _SESSION, read_session, parameters=[SESSION_ID], errors=[SessionNotFoundError]),
    resource("updateSession", "PUT", _SESSION, update_session, parameters=[SESSION_ID], errors=[SessionNotFoundError]),
    resource("patchSession", "PATCH", _SESSION, patch_session, parameters=[SESSION_ID], errors=[SessionNotFoundError]),
    resource(
        "deleteSession",
        "DELETE",
        _SESSION,
        delete_session,
        parameters=[SESSION_ID],
        status=204,
        errors=[SessionNotFoundError, UploadsUnavailableError],
    ),
)
