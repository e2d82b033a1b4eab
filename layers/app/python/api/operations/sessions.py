"""Sessions: list, read, change, export, delete."""

from collections.abc import Iterable
from typing import Any, Literal

from api import answers
from api.call import Call
from api.errors import (
    InvalidRequestError,
    MalformedRequestError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    UploadsUnavailableError,
)
from api.export import FIRST, Export, dump_cursor, parse_cursor
from api.history import fill_page
from api.operation import Body, Link, Operation, Parameter
from api.parameters import (
    CURSOR,
    LIMIT,
    SESSION_ID,
    parse_whole_number,
    query_choice,
    query_identifier,
    query_members,
)
from api.request_schemas import SessionChanges
from api.response import Response, json_response, no_content, text_response
from api.session_deletion import delete_with_uploads
from api.session_summary import describe_match, summarize
from api.settings import Settings
from session_store.errors import AgentNotFoundError, CursorNotFoundError, SessionNotFoundError
from session_store.message_pieces import read_messages
from session_store.raw_json import dump_json
from session_store.records import MessageRecord, OmittedMessage
from session_store.session_patch import parse_session_patch
from session_store.session_records import EVERY_SESSION, SessionFilter

MAX_MESSAGE_ID = 10**15
Order = Literal["asc", "desc"]
Include = Literal["messages", "empty"]
ORDERS: tuple[Order, ...] = ("asc", "desc")
SESSION_LINKS = tuple(
    Link(operation_id, "session_id", "/session_id")
    for operation_id in ("readHistory", "exportSession", "deleteSession")
)

AGENT_ID = query_identifier("agent_id", "Which of the session's agents; else the one that answers, or the oldest.")
ORDER: Parameter[Order] = query_choice("order", "Oldest first or newest.", ORDERS)
QUERY = query_identifier(
    "q",
    "Words to find: in titles, and in messages where the service searches them. Best first, in one page.",
)
TITLE = query_identifier("title", "Sessions of exactly this title.")
METADATA = query_members("metadata.", "Sessions whose metadata has this member with this value, as text.")
INCLUDE: Parameter[Include] = query_choice(
    "include", "`empty`: sessions too that have no message, since their first run failed.", ("messages", "empty")
)


def _parse_message_id(text: str | None, _: Settings) -> int | None:
    return None if text is None else parse_whole_number("cursor", text, 0, MAX_MESSAGE_ID)


FROM_MESSAGE = Parameter(
    "cursor",
    "query",
    "The message that the page begins with: `next_cursor` of the one before.",
    {"type": "integer", "minimum": 0, "maximum": MAX_MESSAGE_ID},
    _parse_message_id,
)


def parse_filter(call: Call) -> SessionFilter:
    return SessionFilter(call[TITLE], call.query_members(METADATA), call[INCLUDE] == "empty")


def list_sessions(call: Call) -> Response:
    if (query := call[QUERY]) is not None:
        return _search_sessions(call, query)
    page = call.store.sessions.list(call.owner, limit=call[LIMIT], cursor=call[CURSOR], only=parse_filter(call))
    answer: answers.SessionList = {
        "sessions": [summarize(session) for session in page.sessions],
        "next_cursor": page.next_cursor,
    }
    return json_response(answer)


def _search_sessions(call: Call, query: str) -> Response:
    if call[CURSOR] is not None or parse_filter(call) != EVERY_SESSION:
        raise InvalidRequestError([("q", "comes without a cursor, and without other conditions")])
    matches = call.store.sessions.search(call.owner, query, limit=call[LIMIT])
    answer: answers.SessionList = {"sessions": [describe_match(match) for match in matches], "next_cursor": None}
    return json_response(answer)


def read_session(call: Call) -> Response:
    session = call.store.sessions.read(call.owner, call[SESSION_ID])
    if session is None:
        raise SessionNotFoundError(call[SESSION_ID])
    forks: list[Any] = [fork._asdict() for fork in call.store.sessions.forks(call.owner, call[SESSION_ID])]
    answer: answers.Session = {**summarize(session), "forks": forks}
    return json_response(answer)


def update_session(call: Call) -> Response:
    patch = parse_session_patch(call.json())
    return json_response(summarize(call.store.sessions.patch(call.owner, call[SESSION_ID], patch)))


def read_history(call: Call) -> Response:
    """The page as JSON text: a body goes from the database to the caller without being parsed."""
    session_id, limit = call[SESSION_ID], call[LIMIT]
    agent_id = call[AGENT_ID] or call.settings.agent_id
    try:
        records = _list_messages(call, agent_id)
    except AgentNotFoundError:
        if call[AGENT_ID] is None and (own := _oldest_agent_id(call)):
            agent_id, records = own, _list_messages(call, own)
        else:
            _require_empty(call, session_id, agent_id)
            records = ()
    items, next_cursor = fill_page(records, limit)
    head = dump_json({"session_id": session_id, "agent_id": agent_id, "next_cursor": next_cursor})
    return text_response(f'{head[:-1]},"messages":[{",".join(items)}]}}', "application/json")


def export_session(call: Call) -> Response:
    session_id, cursor = call[SESSION_ID], call[CURSOR]
    session = call.store.sessions.read(call.owner, session_id)
    if session is None:
        raise SessionNotFoundError(session_id)
    export = Export(call.store, call.owner, session)
    lines, following = export.page(FIRST if cursor is None else parse_cursor(cursor))
    headers = {"Link": f'<?cursor={dump_cursor(following)}>; rel="next"'} if following else {}
    return text_response("".join(f"{line}\n" for line in lines), "application/jsonl", headers=headers)


def delete_session(call: Call) -> Response:
    delete_with_uploads(call, call[SESSION_ID])
    return no_content()


def _list_messages(call: Call, agent_id: str) -> Iterable[MessageRecord | OmittedMessage]:
    start, order = call[FROM_MESSAGE], call[ORDER]
    if start is None:
        start = 0 if order == "asc" else MAX_MESSAGE_ID
    place = call.owner, call[SESSION_ID], agent_id
    return read_messages(call.store.messages, *place, from_message_id=start, limit=call[LIMIT] + 1, order=order)


def _oldest_agent_id(call: Call) -> str | None:
    agents = call.store.agents.list(call.owner, call[SESSION_ID])
    return min(agents, key=lambda agent: agent.created_at).agent_id if agents else None


def _require_empty(call: Call, session_id: str, agent_id: str) -> None:
    """A session has no agent until its first run has ended: its history is empty, whichever agent is asked for."""
    session = call.store.sessions.read(call.owner, session_id)
    if session is None:
        raise SessionNotFoundError(session_id)
    if session.message_count:
        raise AgentNotFoundError(agent_id)


SESSION_EXAMPLE = {
    "session_id": "user-123",
    "created_at": "2026-11-22T10:00:00+00:00",
    "updated_at": "2026-11-22T10:00:02+00:00",
    "message_count": 2,
    "preview": "Hello, my name is Alice",
    "title": "Trip to Rome",
    "metadata": {"project": "rome"},
    "forked_from": None,
    "error_code": None,
}

OPERATIONS = (
    Operation(
        operation_id="listSessions",
        method="GET",
        path="/sessions",
        handle=list_sessions,
        summary="List your sessions, newest activity first",
        parameters=[LIMIT, CURSOR, QUERY, TITLE, METADATA, INCLUDE],
        answer=answers.SessionList,
        example={"sessions": [SESSION_EXAMPLE], "next_cursor": None},
        links=[
            Link("listSessions", "cursor", "/next_cursor"),
            Link("readHistory", "session_id", "/sessions/0/session_id"),
            Link("deleteSession", "session_id", "/sessions/0/session_id"),
        ],
        errors=[CursorNotFoundError],
    ),
    Operation(
        operation_id="readSession",
        method="GET",
        path="/sessions/{session_id}",
        handle=read_session,
        summary="Read what a session is called, and where it comes from",
        parameters=[SESSION_ID],
        answer=answers.Session,
        example={**SESSION_EXAMPLE, "forks": []},
        errors=[SessionNotFoundError],
    ),
    Operation(
        operation_id="updateSession",
        method="PATCH",
        path="/sessions/{session_id}",
        handle=update_session,
        summary="Change a session's title or metadata",
        description="A merge patch (RFC 7396): what it does not name stays, null removes. Possible at any time, while "
        "a run is in progress too.",
        parameters=[SESSION_ID],
        body=Body(SessionChanges, {"both": {"title": "Trip to Rome", "metadata": {"project": "rome", "draft": None}}}),
        answer=answers.SessionSummary,
        example=SESSION_EXAMPLE,
        errors=[MalformedRequestError, UnsupportedMediaTypeError, PayloadTooLargeError, SessionNotFoundError],
    ),
    Operation(
        operation_id="readHistory",
        method="GET",
        path="/sessions/{session_id}/history",
        handle=read_history,
        summary="Read a session's messages",
        description="A page may have fewer messages than `limit` where more would not fit into one response.",
        parameters=[SESSION_ID, AGENT_ID, ORDER, LIMIT, FROM_MESSAGE],
        answer=answers.History,
        example={
            "session_id": "user-123",
            "agent_id": "default",
            "next_cursor": None,
            "messages": [
                {
                    "message_id": 0,
                    "created_at": "2026-11-22T10:00:00+00:00",
                    "updated_at": "2026-11-22T10:00:00+00:00",
                    "redacted": False,
                    "message": {"role": "user", "content": [{"text": "Hello, my name is Alice"}]},
                }
            ],
        },
        errors=[SessionNotFoundError, AgentNotFoundError],
    ),
    Operation(
        operation_id="exportSession",
        method="GET",
        path="/sessions/{session_id}/export",
        handle=export_session,
        summary="Export a session whole",
        description="JSON Lines: the session, its multi-agents, then each agent followed by its messages, binary "
        'content included. A long session comes in pages: follow the header `Link` with `rel="next"`.',
        parameters=[SESSION_ID, CURSOR],
        answer="application/jsonl",
        example='{"type":"session","session_id":"user-123","session_type":"AGENT","message_count":2}\n',
        headers={"Link": 'The next page, `<?cursor=…>; rel="next"`; absent on the last.'},
        errors=[SessionNotFoundError, CursorNotFoundError],
    ),
    Operation(
        operation_id="deleteSession",
        method="DELETE",
        path="/sessions/{session_id}",
        handle=delete_session,
        summary="Delete a session, all of it",
        parameters=[SESSION_ID],
        status=204,
        errors=[SessionNotFoundError, UploadsUnavailableError],
    ),
)
