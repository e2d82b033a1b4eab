from contextlib import suppress

from session_store.document import Document
from session_store.errors import LeaseLostError, RunNotFoundError, SessionStoreError, TooLargeError
from session_store.raw_json import object_text
from session_store.records import BegunRun, RunOutcome, RunRecord, RunRequest, RunWrite
from session_store.run_wire import request_text, run_of, write_text
from session_store.wire import agent_of, session_of

from .backend import Answer, Backend, path_of
from .messages import HttpMessages, whole_message_of


class HttpRuns:
    def __init__(self, backend: Backend, messages: HttpMessages) -> None:
        self._backend = backend
        self._messages = messages

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        """One round trip, unless the window is larger than one answer may be: the lease keeps the rest as it is."""
        answered = self._backend.send("POST", "/runs", owner, request_text(request))
        if isinstance(answered.refusal, TooLargeError):  # it has begun, beside an agent that no answer can hold
            self._release(owner, request)
        answer = answered.document()
        if stored := answer.optional_document("run"):
            return run_of(stored)
        try:
            return self._begun(owner, request, answer)
        except SessionStoreError:
            self._release(owner, request)
            raise

    def _begun(self, owner: str, request: RunRequest, answer: Document) -> BegunRun:
        messages = [whole_message_of(item) for item in answer.documents("messages")]
        if answer.raw("next_message_id"):
            start = answer.whole_number("next_message_id")
            messages += self._messages.list(owner, request.session_id, request.agent_id, from_message_id=start)
        session, agent = session_of(answer.document("session")), answer.optional_document("agent")
        return BegunRun(answer.whole_number("fence"), session, agent and agent_of(agent), messages)

    def _release(self, owner: str, request: RunRequest) -> None:
        """Who cannot read its history must not keep others from it; if this fails too, the lease runs out."""
        failed = RunWrite(request.session_id, request.run_id, request.lease_seconds, outcome=RunOutcome("failed"))
        with suppress(SessionStoreError):
            self.write(owner, failed)

    def write(self, owner: str, write: RunWrite) -> bool:
        operation = "commit" if write.outcome else "append"
        answer = self._backend.send("POST", path_of("runs", write.run_id, operation), owner, write_text(write))
        if isinstance(answer.refusal, LeaseLostError) and answer.repeated and self._has_ended(owner, write):
            return False
        return _is_cancel_requested(answer)

    def renew(self, owner: str, session_id: str, run_id: str, lease_seconds: float) -> bool:
        body = object_text({"session_id": session_id, "lease_seconds": lease_seconds}, {})
        return _is_cancel_requested(self._backend.send("POST", path_of("runs", run_id, "renew"), owner, body))

    def read(self, owner: str, run_id: str) -> RunRecord:
        return run_of(self._backend.send("GET", path_of("runs", run_id), owner).document())

    def request_cancel(self, owner: str, run_id: str) -> RunRecord:
        return run_of(self._backend.send("POST", path_of("runs", run_id, "cancel"), owner).document())

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
