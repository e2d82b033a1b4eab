from datetime import datetime

from session_store.codec import dump_record, parse_record
from session_store.errors import SessionNotFoundError
from session_store.identifiers import checked_new_session_id
from session_store.records import EVERY_SESSION, SessionFilter, SessionPage, SessionRecord
from session_store.session_patch import SessionPatch, dump_session_patch
from session_store.wire import MAXIMUM_PAGE_SIZE

from .backend import Backend, dump_path


class HttpSessions:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session: SessionRecord) -> None:
        checked_new_session_id("session_id", session.session_id)
        answer = self._backend.send("POST", "/sessions", owner, dump_record(session))
        if answer.may_exist_by_itself and self._is_stored(owner, session):
            return
        answer.check()

    def read(self, owner: str, session_id: str) -> SessionRecord | None:
        answer = self._backend.send("GET", dump_path("sessions", session_id), owner)
        if isinstance(answer.refusal, SessionNotFoundError):
            return None
        return parse_record(SessionRecord, answer.document())

    def list(
        self, owner: str, *, limit: int = 50, cursor: str | None = None, only: SessionFilter = EVERY_SESSION
    ) -> SessionPage:
        query = _dump_filter(only)
        sessions: list[SessionRecord] = []
        while True:
            position = {"cursor": cursor} if cursor else {}
            position |= query
            count = min(limit - len(sessions), MAXIMUM_PAGE_SIZE)
            answer = self._backend.send("GET", "/sessions", owner, limit=count, **position).document("sessions")
            sessions += [parse_record(SessionRecord, item) for item in answer.documents("sessions")]
            cursor = answer.text("next_cursor") if answer.has("next_cursor") else None
            if cursor is None or len(sessions) >= limit:
                return SessionPage(sessions, cursor)

    def patch(self, owner: str, session_id: str, patch: SessionPatch) -> SessionRecord:
        path = dump_path("sessions", session_id)
        return parse_record(
            SessionRecord, self._backend.send("PATCH", path, owner, dump_session_patch(patch)).document()
        )

    def delete(self, owner: str, session_id: str) -> None:
        answer = self._backend.send("DELETE", dump_path("sessions", session_id), owner)
        if not (isinstance(answer.refusal, SessionNotFoundError) and answer.repeated):
            answer.check()

    def _is_stored(self, owner: str, session: SessionRecord) -> bool:
        stored = self.read(owner, session.session_id)
        return stored is not None and datetime.fromisoformat(stored.created_at) == datetime.fromisoformat(
            session.created_at
        )


def _dump_filter(only: SessionFilter) -> dict[str, str]:
    query = {f"metadata.{name}": value for name, value in only.metadata.items()}
    if only.title is not None:
        query["title"] = only.title
    return query | {"include": "empty"} if only.include_empty else query
