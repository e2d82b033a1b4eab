from contextlib import suppress

from session_store.codec import dump_record, parse_record
from session_store.document import Document
from session_store.errors import LeaseLostError, RunNotFoundError, SessionStoreError, TooLargeError
from session_store.identifiers import checked_new_session_id
from session_store.raw_json import dump_json
from session_store.records import AgentRecord, BegunRun, RunOutcome, RunRecord, RunRequest, RunWrite, SessionRecord

from .backend import Answer, Backend, dump_path
from .messages import HttpMessages, parse_whole_message


class HttpRuns:
    def __init__(self, backend: Backend, messages: HttpMessages) -> None:
        self._backend = backend
        self._messages = messages

    def begin(self, owner: str, request: RunRequest) -> BegunRun | RunRecord:
        """One round trip, unless the window is larger than one answer may be: the lease keeps the rest as it is."""
        checked_new_session_id("session_id", request.session_id)
        answer = self._backend.send("POST", "/runs", owner, dump_record(request))
        if not isinstance(answer.refusal, TooLargeError):  # else it has begun, beside an agent that no answer can hold
            answer.check()
        try:
            return self._parse_begun(owner, request, answer.document("run", "session", "agent", "messages"))
        except BaseException:
            self._release(owner, request)
            raise

    def _parse_begun(self, owner: str, request: RunRequest, answer: Document) -> BegunRun | RunRecord:
        if answer.has("run"):
            return parse_record(RunRecord, answer.document("run"))
        messages = [parse_whole_message(item) for item in answer.documents("messages")]
        if answer.has("next_message_id"):
            start = answer.whole_number("next_message_id")
            messages += self._messages.list(owner, request.session_id, request.agent_id, from_message_id=start)
        session = parse_record(SessionRecord, answer.document("session"))
        agent = parse_record(AgentRecord, answer.document("agent")) if answer.has("agent") else None
        return BegunRun(answer.whole_number("fence"), session, agent, messages)

    def _release(self, owner: str, request: RunRequest) -> None:
        """Who cannot read its history must not keep others from it; if this fails too, the lease runs out."""
        failed = RunWrite(request.session_id, request.run_id, request.lease_seconds, outcome=RunOutcome("failed"))
        with suppress(SessionStoreError):
            self.write(owner, failed)

    def write(self, owner: str, write: RunWrite) -> bool:
        operation = "commit" if write.outcome else "append"
        answer = self._backend.send("POST", dump_path("runs", write.run_id, operation), owner, dump_record(write))
        if isinstance(answer.refusal, LeaseLostError) and answer.repeated and self._has_ended(owner, write):
            return False
        return _is_cancel_requested(answer)

    def renew(self, owner: str, session_id: str, run_id: str, lease_seconds: float) -> bool:
        body = dump_json({"session_id": session_id, "lease_seconds": lease_seconds})
        return _is_cancel_requested(self._backend.send("POST", dump_path("runs", run_id, "renew"), owner, body))

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
