from collections.abc import Sequence

from session_store.codec import dump_record, parse_record
from session_store.errors import MultiAgentNotFoundError
from session_store.records import MultiAgentRecord

from .backend import Backend, dump_path
from .pages import all_items


class HttpMultiAgents:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        body = dump_record(MultiAgentRecord(multi_agent_id, state))
        answer = self._backend.send("POST", dump_path("sessions", session_id, "multi-agents"), owner, body)
        if answer.may_exist_by_itself and self.read(owner, session_id, multi_agent_id) == state:
            return
        answer.check()

    def read(self, owner: str, session_id: str, multi_agent_id: str) -> str | None:
        answer = self._backend.send("GET", dump_path("sessions", session_id, "multi-agents", multi_agent_id), owner)
        if isinstance(answer.refusal, MultiAgentNotFoundError):
            return None
        return parse_record(MultiAgentRecord, answer.document()).state

    def list(self, owner: str, session_id: str) -> Sequence[MultiAgentRecord]:
        path = dump_path("sessions", session_id, "multi-agents")
        return [parse_record(MultiAgentRecord, item) for item in all_items(self._backend, owner, path, "multi_agents")]

    def update(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        path = dump_path("sessions", session_id, "multi-agents", multi_agent_id)
        self._backend.send("PUT", path, owner, dump_record(MultiAgentRecord(multi_agent_id, state))).check()
