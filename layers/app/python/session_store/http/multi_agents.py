from collections.abc import Sequence

from session_store.errors import MultiAgentNotFoundError
from session_store.records import MultiAgentRecord
from session_store.run_wire import multi_agent_of, multi_agent_text

from .backend import Backend, path_of
from .pages import all_items


class HttpMultiAgents:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        body = multi_agent_text(MultiAgentRecord(multi_agent_id, state))
        answer = self._backend.send("POST", path_of("sessions", session_id, "multi-agents"), owner, body)
        if answer.may_exist_by_itself and self.read(owner, session_id, multi_agent_id) == state:
            return
        answer.check()

    def read(self, owner: str, session_id: str, multi_agent_id: str) -> str | None:
        answer = self._backend.send("GET", path_of("sessions", session_id, "multi-agents", multi_agent_id), owner)
        if isinstance(answer.refusal, MultiAgentNotFoundError):
            return None
        return multi_agent_of(answer.document()).state

    def list(self, owner: str, session_id: str) -> Sequence[MultiAgentRecord]:
        path = path_of("sessions", session_id, "multi-agents")
        return [multi_agent_of(item) for item in all_items(self._backend, owner, path, "multi_agents")]

    def update(self, owner: str, session_id: str, multi_agent_id: str, state: str) -> None:
        path = path_of("sessions", session_id, "multi-agents", multi_agent_id)
        self._backend.send("PUT", path, owner, multi_agent_text(MultiAgentRecord(multi_agent_id, state))).check()
