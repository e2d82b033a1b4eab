from collections.abc import Sequence

from session_store.codec import dump_record, parse_record
from session_store.errors import AgentNotFoundError
from session_store.records import AgentRecord

from .backend import Backend, dump_path
from .pages import all_items


class HttpAgents:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        answer = self._backend.send("POST", dump_path("sessions", session_id, "agents"), owner, dump_record(agent))
        if answer.may_exist_by_itself:
            stored = self.read(owner, session_id, agent.agent_id)
            if stored and (stored.state, stored.created_at) == (agent.state, agent.created_at):
                return
        answer.check()

    def read(self, owner: str, session_id: str, agent_id: str) -> AgentRecord | None:
        answer = self._backend.send("GET", dump_path("sessions", session_id, "agents", agent_id), owner)
        if isinstance(answer.refusal, AgentNotFoundError):
            return None
        return parse_record(AgentRecord, answer.document())

    def read_past(self, owner: str, session_id: str, agent_id: str, message_id: int) -> AgentRecord:
        path = dump_path("sessions", session_id, "agents", agent_id)
        return parse_record(
            AgentRecord, self._backend.send("GET", path, owner, before_message_id=message_id).document()
        )

    def list(self, owner: str, session_id: str) -> Sequence[AgentRecord]:
        path = dump_path("sessions", session_id, "agents")
        return [parse_record(AgentRecord, item) for item in all_items(self._backend, owner, path, "agents")]

    def update(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        path = dump_path("sessions", session_id, "agents", agent.agent_id)
        self._backend.send("PUT", path, owner, dump_record(agent)).check()
