"""/sessions: by page as the contract has it, or by cursor in time that does not grow with the table."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.backend.call import Call
from api.backend.pages import Page
from api.backend.responses import answer
from api.request import Request
from api.responses import no_content
from session_store.document import Document
from session_store.errors import InvalidInputError, SessionNotFoundError
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import list_text, object_text
from session_store.records import MultiAgentRecord
from session_store.wire import MAXIMUM_PAGE_SIZE, session_of, session_text

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
        session, multi_agent = session_of(document), _multi_agent_in(document)
        self._store.sessions.create(call.owner, session, multi_agent)
        return answer(session_text(session, multi_agent and multi_agent.state), HTTPStatus.CREATED)

    def list(self, request: Request) -> Response[Any]:
        call = Call.of(request, "page", "page_size", "limit", "cursor")
        if {"limit", "cursor"} & call.query.values.keys():
            return self._list_from_cursor(call)
        page, sessions = Page.of(call.query), self._store.sessions
        records = sessions.page(call.owner, limit=page.size, offset=page.offset)
        items = list_text(map(session_text, records))
        return answer(object_text(page.members(sessions.count(call.owner)), {"sessions": items}))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        session_id = call.identifier("session_id")
        session = self._store.sessions.read(call.owner, session_id)
        if session is None:
            raise SessionNotFoundError(session_id)
        return answer(session_text(session, self._store.multi_agents.newest(call.owner, session_id)))

    def update(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        document = call.document()
        session = session_of(document, call.identifier("session_id"))
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
        items = list_text(map(session_text, page.sessions))
        return answer(object_text({"next_cursor": page.next_cursor}, {"sessions": items}))


def _multi_agent_in(document: Document) -> MultiAgentRecord | None:
    """Stored under the id that Strands writes into the state."""
    if document.raw("multi_agent_state") is None:
        return None
    state = document.object("multi_agent_state")
    try:
        return MultiAgentRecord(Document(state).identifier("id"), state)
    except InvalidInputError as error:
        raise InvalidInputError("multi_agent_state", "must name its multi-agent as its id") from error
