from datetime import datetime

from session_store.errors import SessionNotFoundError
from session_store.records import SessionPage, SessionRecord
from session_store.wire import MAXIMUM_PAGE_SIZE, session_of, session_text

from .backend import Backend, path_of


class HttpSessions:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session: SessionRecord) -> None:
        answer = self._backend.send("POST", "/sessions", owner, session_text(session))
        if answer.may_exist_by_itself and self._is_stored(owner, session):
            return
        answer.check()

    def read(self, owner: str, session_id: str) -> SessionRecord | None:
        answer = self._backend.send("GET", path_of("sessions", session_id), owner)
        return None if isinstance(answer.refusal, SessionNotFoundError) else session_of(answer.document())

    def list(self, owner: str, *, limit: int = 50, cursor: str | None = None) -> SessionPage:
        sessions: list[SessionRecord] = []
        while True:
            position = {"cursor": cursor} if cursor else {}
            count = min(limit - len(sessions), MAXIMUM_PAGE_SIZE)
            answer = self._backend.send("GET", "/sessions", owner, limit=count, **position).document()
            sessions += [session_of(item) for item in answer.documents("sessions")]
            cursor = answer.text("next_cursor")
            if cursor is None or len(sessions) >= limit:
                return SessionPage(sessions, cursor)

    def delete(self, owner: str, session_id: str) -> None:
        answer = self._backend.send("DELETE", path_of("sessions", session_id), owner)
        if not (isinstance(answer.refusal, SessionNotFoundError) and answer.repeated):
            answer.check()

    def _is_stored(self, owner: str, session: SessionRecord) -> bool:
        stored = self.read(owner, session.session_id)
        return stored is not None and datetime.fromisoformat(stored.created_at) == datetime.fromisoformat(
            session.created_at
        )
