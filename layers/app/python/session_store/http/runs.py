import time
from contextlib import suppress

from session_store._window import read_rest
from session_store.codec import dump_record, parse_record
from session_store.document import Document
from session_store.errors import (
    LeaseLostError,
    RunNotFoundError,
    SessionStoreError,
    StoreUnavailableError,
    TooLargeError,
)
from session_store.identifiers import checked_new_session_id
from session_store.raw_json import dump_json
from session_store.records import AgentRecord, BegunRun, RunRecord, RunRequest, RunWrite, SessionRecord
from session_store.time_limit import time_limit

from .backend import Answer, Backend, dump_path
from .messages import HttpMessages, parse_whole_message

_GIVE_UP_SECONDS = 1.0


class HttpRuns:
    watch_seconds = 0.8

    def __init__(self, backend: Backend, messages: HttpMessages) -> None:
        self._backend = backend
        self._messages = messages

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        checked_new_session_id("session_id", request.session_id)
        round_trips = self._backend.round_trips
        try:
            answer = self._ask(owner, request)
            if answer.refusal is None or isinstance(answer.refusal, TooLargeError):
                return self._parse_begun(owner, request, answer.document("run", "session", "agent", "messages"))
        except BaseException:
            if self._backend.round_trips > round_trips:
                self._give_up(owner, request.run_id)
            raise
        raise answer.refusal

    def abandon(self, owner: str, run_id: str) -> None:
        self._backend.send("POST", dump_path("runs", run_id, "abandon"), owner).check()

    def _ask(self, owner: str, request: RunRequest) -> Answer:
        answer = self._backend.send("POST", "/runs", owner, dump_record(request))
        if isinstance(answer.refusal, StoreUnavailableError):
            raise answer.refusal
        return answer

    def _parse_begun(self, owner: str, request: RunRequest, answer: Document) -> BegunRun | RunRecord:
        """Raises `TooLargeError` where the run has begun beside an agent that no answer can hold."""
        if answer.has("run"):
            return parse_record(RunRecord, answer.document("run"))
        begun = BegunRun(
            answer.whole_number("fence"),
            parse_record(SessionRecord, answer.document("session")),
            parse_record(AgentRecord, answer.document("agent")) if answer.has("agent") else None,
            [parse_whole_message(item) for item in answer.documents("messages")],
        )
        if not answer.has("next_message_id"):
            return begun
        return read_rest(self._messages, self, owner, request, begun, answer.whole_number("next_message_id"))

    def _give_up(self, owner: str, run_id: str) -> None:
        """It may have begun all the same; where the session backend does not hear of it, the lease runs out."""
        with suppress(SessionStoreError), time_limit(time.monotonic() + _GIVE_UP_SECONDS):
            self.abandon(owner, run_id)

    def write(self, owner: str, write: RunWrite) -> bool:
        operation = "commit" if write.outcome else "append"
        answer = self._backend.send("POST", dump_path("runs", write.run_id, operation), owner, dump_record(write))
        if isinstance(answer.refusal, LeaseLostError) and answer.repeated and self._has_ended(owner, write):
            return False
        return _is_cancel_requested(answer)

    def renew(self, owner: str, session_id: str, run_id: str, lease_seconds: float) -> bool:
        body = dump_json({"session_id": session_id, "lease_seconds": lease_seconds})
        return _is_cancel_requested(self._backend.send("POST", dump_path("runs", run_id, "renew"), owner, body))

    def is_cancel_requested(self, owner: str, run_id: str) -> bool:
        return self.read(owner, run_id).cancel_requested

    def read(self, owner: str, run_id: str) -> RunRecord:
        return parse_record(RunRecord, self._backend.send("GET", dump_path("runs", run_id), owner).document())

    def request_cancel(self, owner: str, run_id: str) -> RunRecord:
        answer = self._backend.send("POST", dump_path("runs", run_id, "cancel"), owner)
        return parse_record(RunRecord, answer.document())

    def _has_ended(self, owner: str, write: RunWrite) -> bool:
        """A commit whose answer was lost released the lease itself: the run's row tells."""
        if write.outcome is None:
            return False
        try:
            return self.read(owner, write.run_id).status == write.outcome.status
        except RunNotFoundError:
            return False


def _is_cancel_requested(answer: Answer) -> bool:
    return answer.document().value("cancel_requested") is True
