"""/sessions: by page as the contract has it, or by cursor in time that does not grow with the table."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.backend.call import Call
from api.backend.pages import PageQuery
from api.backend.responses import answer
from api.request import Request
from api.responses import no_content
from session_store.codec import dump_record, parse_record
from session_store.document import Document
from session_store.errors import InvalidInputError, SessionNotFoundError
from session_store.identifiers import checked
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import dump_json, dump_list, dump_object
from session_store.records import MultiAgentRecord, SessionRecord
from session_store.wire import MAXIMUM_PAGE_SIZE

_DEFAULT_LIMIT = 50


class SessionResources:
    def __init__(self, store: PostgreSQLStore) -> None:
        self._store = store

    def add_to(self, api: BackendApi) -> None:
        api.resource("POST", "/sessions", self.create)
        api.resource("GET", "/sessions", self.list)
        api.resource("GET", "/sessions/{session_id}", self.read)
        api.resource("PUT", "/sessions/{session_id}", self.update)
        api.resource("DELETE", "/sessions/{session_id}", self.delete)

    def create(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        document = call.document()
        session, multi_agent = parse_record(SessionRecord, document), _multi_agent_in(document)
        self._store.sessions.create(call.owner, session, multi_agent)
        return answer(_dump_session(session, multi_agent and multi_agent.state), HTTPStatus.CREATED)

    def list(self, request: Request) -> Response[Any]:
        call = Call.of(request, "page", "page_size", "limit", "cursor")
        if {"limit", "cursor"} & call.query.values.keys():
            return self._list_from_cursor(call)
        query, sessions = PageQuery.of(call.query), self._store.sessions
        records = sessions.page(call.owner, limit=query.size, offset=query.offset)
        items = dump_list(map(dump_record, records))
        return answer(dump_object({**query.members(sessions.count(call.owner)), "sessions": items}))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        session_id = call.identifier("session_id")
        session = self._store.sessions.read(call.owner, session_id)
        if session is None:
            raise SessionNotFoundError(session_id)
        return answer(_dump_session(session, self._store.multi_agents.newest(call.owner, session_id)))

    def update(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        document = call.document()
        session = parse_record(SessionRecord, document, session_id=call.identifier("session_id"))
        multi_agent = _multi_agent_in(document)
        self._store.sessions.update(call.owner, session.session_id, session.session_type, multi_agent)
        return self.read(request)

    def delete(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        self._store.sessions.delete(call.owner, call.identifier("session_id"))
        return no_content()

    def _list_from_cursor(self, call: Call) -> Response[Any]:
        limit = call.query.whole_number("limit", _DEFAULT_LIMIT, 0, MAXIMUM_PAGE_SIZE)
        page = self._store.sessions.list(call.owner, limit=limit, cursor=call.query.text("cursor"))
        items = dump_list(map(dump_record, page.sessions))
        return answer(dump_object({"next_cursor": dump_json(page.next_cursor), "sessions": items}))


def _multi_agent_in(document: Document) -> MultiAgentRecord | None:
    """Stored under the id that Strands writes into the state."""
    if not document.has("multi_agent_state"):
        return None
    state = document.object("multi_agent_state")
    try:
        return MultiAgentRecord(checked("id", document.value("multi_agent_state").get("id")), state)
    except InvalidInputError as error:
        raise InvalidInputError("multi_agent_state", "must name its multi-agent as its id") from error


def _dump_session(session: SessionRecord, multi_agent_state: str | None) -> str:
    return dump_record(session, **({"multi_agent_state": multi_agent_state} if multi_agent_state else {}))
