from collections.abc import Sequence
from datetime import datetime

from session_store.codec import dump_record, parse_record
from session_store.errors import SessionNotFoundError
from session_store.identifiers import checked_new_session_id
from session_store.records import SessionPage, SessionRecord
from session_store.session_patch import SessionPatch, dump_session_patch
from session_store.session_records import (
    EVERY_SESSION,
    ForkRecord,
    ForkRequest,
    ForkSummary,
    SessionFilter,
    SessionMatch,
)
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

    def search(self, owner: str, query: str, *, limit: int = 50) -> Sequence[SessionMatch]:
        answer = self._backend.send("GET", "/sessions", owner, q=query, limit=limit).document("matches")
        return [parse_record(SessionMatch, item) for item in answer.documents("matches")]

    def patch(self, owner: str, session_id: str, patch: SessionPatch) -> SessionRecord:
        path = dump_path("sessions", session_id)
        return parse_record(
            SessionRecord, self._backend.send("PATCH", path, owner, dump_session_patch(patch)).document()
        )

    def fork(self, owner: str, session_id: str, request: ForkRequest) -> ForkRecord:
        path = dump_path("sessions", session_id, "forks")
        answer = self._backend.send("POST", path, owner, dump_record(request))
        if answer.may_exist_by_itself and (fork := self._read_fork(owner, session_id, request)):
            return fork
        return parse_record(ForkRecord, answer.document("session"))

    def forks(self, owner: str, session_id: str) -> Sequence[ForkSummary]:
        answer = self._backend.send("GET", dump_path("sessions", session_id, "forks"), owner).document("forks")
        return [parse_record(ForkSummary, item) for item in answer.documents("forks")]

    def delete(self, owner: str, session_id: str) -> None:
        answer = self._backend.send("DELETE", dump_path("sessions", session_id), owner)
        if not (isinstance(answer.refusal, SessionNotFoundError) and answer.repeated):
            answer.check()

    def _read_fork(self, owner: str, session_id: str, request: ForkRequest) -> ForkRecord | None:
        """The fork that an earlier try of the request has made, if that is what is there."""
        fork = self.read(owner, request.session_id)
        if fork is None or fork.origin_session_id != session_id:
            return None
        is_asked = request.message_id in (None, fork.origin_message_id)
        return ForkRecord(fork, None) if is_asked else None

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
