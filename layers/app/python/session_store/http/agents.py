from collections.abc import Sequence

from session_store.errors import AgentNotFoundError
from session_store.records import AgentRecord
from session_store.wire import agent_of, agent_text

from .backend import Backend, path_of
from .pages import all_items


class HttpAgents:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        answer = self._backend.send("POST", path_of("sessions", session_id, "agents"), owner, agent_text(agent))
        if answer.may_exist_by_itself:
            stored = self.read(owner, session_id, agent.agent_id)
            if stored and (stored.state, stored.created_at) == (agent.state, agent.created_at):
                return
        answer.check()

    def read(self, owner: str, session_id: str, agent_id: str) -> AgentRecord | None:
        answer = self._backend.send("GET", path_of("sessions", session_id, "agents", agent_id), owner)
        return None if isinstance(answer.refusal, AgentNotFoundError) else agent_of(answer.document())

    def list(self, owner: str, session_id: str) -> Sequence[AgentRecord]:
        path = path_of("sessions", session_id, "agents")
        return [agent_of(item) for item in all_items(self._backend, owner, path, "agents")]

    def update(self, owner: str, session_id: str, agent: AgentRecord) -> None:
        path = path_of("sessions", session_id, "agents", agent.agent_id)
        self._backend.send("PUT", path, owner, agent_text(agent)).check()
