"""Sessions: list, read, export, delete."""

from typing import Literal

from aws_lambda_powertools.event_handler import Response

from api.answers import SessionList, SessionSummary
from api.app import Api
from api.export import FIRST, Export, cursor_of, position_of
from api.history import page_of
from api.request import Request
from api.responses import json_response, json_text, no_content, text_response
from session_store.errors import AgentNotFoundError, SessionNotFoundError
from session_store.records import SessionRecord
from session_store.store import Store

DEFAULT_AGENT_ID = "default"
MAX_MESSAGE_ID = 10**15
Order = Literal["asc", "desc"]
ORDERS: tuple[Order, ...] = ("asc", "desc")


class SessionRoutes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.route("GET", "/sessions", self.list_sessions)
        api.route("GET", "/sessions/{session_id}/history", self.read_history)
        api.route("GET", "/sessions/{session_id}/export", self.export_session)
        api.route("DELETE", "/sessions/{session_id}", self.delete_session)

    def list_sessions(self, request: Request) -> Response[str]:
        owner, query = request.owner, request.query("limit", "cursor")
        limit = query.whole_number("limit", request.settings.page_size, 1, request.settings.max_page_size)
        page = self._store.sessions.list(owner, limit=limit, cursor=query.text("cursor"))
        answer: SessionList = {
            "sessions": [summary_of(session) for session in page.sessions],
            "next_cursor": page.next_cursor,
        }
        return json_response(answer)

    def read_history(self, request: Request) -> Response[str]:
        """The page as JSON text: a body goes from the database to the caller without being parsed."""
        owner, session_id = request.owner, request.identifier("session_id")
        query = request.query("agent_id", "limit", "cursor", "order")
        agent_id = query.identifier("agent_id", DEFAULT_AGENT_ID)
        order: Order = query.choice("order", ORDERS)
        limit = query.whole_number("limit", request.settings.page_size, 1, request.settings.max_page_size)
        start = query.whole_number("cursor", 0 if order == "asc" else MAX_MESSAGE_ID, 0, MAX_MESSAGE_ID)
        try:
            records = self._store.messages.list(
                owner, session_id, agent_id, from_message_id=start, limit=limit + 1, order=order
            )
        except AgentNotFoundError:
            self._require_empty(owner, session_id, agent_id)
            records = ()
        items, next_cursor = page_of(records, limit)
        head = json_text({"session_id": session_id, "agent_id": agent_id, "next_cursor": next_cursor})
        return text_response(f'{head[:-1]},"messages":[{",".join(items)}]}}', "application/json")

    def export_session(self, request: Request) -> Response[str]:
        owner, session_id = request.owner, request.identifier("session_id")
        cursor = request.query("cursor").text("cursor")
        session = self._store.sessions.read(owner, session_id)
        if session is None:
            raise SessionNotFoundError(session_id)
        lines, following = Export(self._store, owner, session).page(FIRST if cursor is None else position_of(cursor))
        headers = {"Link": f'<?cursor={cursor_of(following)}>; rel="next"'} if following else {}
        return text_response("".join(f"{line}\n" for line in lines), "application/jsonl", headers=headers)

    def delete_session(self, request: Request) -> Response[str]:
        request.query()
        self._store.sessions.delete(request.owner, request.identifier("session_id"))
        return no_content()

    def _require_empty(self, owner: str, session_id: str, agent_id: str) -> None:
        """A session whose first run has begun has no agent yet: its history is empty, whoever is asked for."""
        session = self._store.sessions.read(owner, session_id)
        if session is None:
            raise SessionNotFoundError(session_id)
        if session.message_count:
            raise AgentNotFoundError(agent_id)


def summary_of(session: SessionRecord) -> SessionSummary:
    return {
        "session_id": session.session_id,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "message_count": session.message_count,
        "preview": session.preview,
    }
