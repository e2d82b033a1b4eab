"""/sessions/{session_id}/agents and, beside them, multi-agents."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.backend.call import Call
from api.backend.pages import PageQuery
from api.backend.responses import answer
from api.request import Request
from api.responses import no_content
from session_store.codec import dump_record, parse_record
from session_store.errors import AgentNotFoundError, MultiAgentNotFoundError, SessionNotFoundError
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import dump_list, dump_object
from session_store.records import AgentRecord, MultiAgentRecord
from session_store.wire import Page

_AGENTS = "/sessions/{session_id}/agents"
_MULTI_AGENTS = "/sessions/{session_id}/multi-agents"


class AgentResources:
    def __init__(self, store: PostgreSQLStore) -> None:
        self._agents = store.agents

    def add_to(self, api: BackendApi) -> None:
        api.resource("POST", _AGENTS, self.create)
        api.resource("GET", _AGENTS, self.list)
        api.resource("GET", f"{_AGENTS}/{{agent_id}}", self.read)
        api.resource("PUT", f"{_AGENTS}/{{agent_id}}", self.update)
        api.resource("DELETE", f"{_AGENTS}/{{agent_id}}", self.delete)

    def create(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        agent = parse_record(AgentRecord, call.document())
        self._agents.create(call.owner, call.identifier("session_id"), agent)
        return answer(dump_record(agent), HTTPStatus.CREATED)

    def list(self, request: Request) -> Response[Any]:
        call = Call.of(request, "page", "page_size")
        session_id, query, page = call.identifier("session_id"), PageQuery.of(call.query), Page()
        total = self._agents.count(call.owner, session_id)
        if total is None:
            raise SessionNotFoundError(session_id)
        for agent in self._agents.list(call.owner, session_id, limit=query.size, offset=query.offset):
            if not page.add(dump_record(agent)):
                break
        return answer(dump_object({**query.members(total), "agents": dump_list(page.items)}))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        agent_id = call.identifier("agent_id")
        agent = self._agents.read(call.owner, call.identifier("session_id"), agent_id)
        if agent is None:
            raise AgentNotFoundError(agent_id)
        return answer(dump_record(agent))

    def update(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        agent = parse_record(AgentRecord, call.document(), agent_id=call.identifier("agent_id"))
        self._agents.update(call.owner, call.identifier("session_id"), agent)
        return self.read(request)

    def delete(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        self._agents.delete(call.owner, call.identifier("session_id"), call.identifier("agent_id"))
        return no_content()


class MultiAgentResources:
    def __init__(self, store: PostgreSQLStore) -> None:
        self._multi_agents = store.multi_agents

    def add_to(self, api: BackendApi) -> None:
        api.resource("POST", _MULTI_AGENTS, self.create)
        api.resource("GET", _MULTI_AGENTS, self.list)
        api.resource("GET", f"{_MULTI_AGENTS}/{{multi_agent_id}}", self.read)
        api.resource("PUT", f"{_MULTI_AGENTS}/{{multi_agent_id}}", self.update)

    def create(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        record = parse_record(MultiAgentRecord, call.document())
        self._multi_agents.create(call.owner, call.identifier("session_id"), record.multi_agent_id, record.state)
        return answer(dump_record(record), HTTPStatus.CREATED)

    def list(self, request: Request) -> Response[Any]:
        call = Call.of(request, "page", "page_size")
        query, page = PageQuery.of(call.query), Page()
        records = self._multi_agents.list(call.owner, call.identifier("session_id"))
        for record in records[query.offset : query.offset + query.size]:
            if not page.add(dump_record(record)):
                break
        return answer(dump_object({**query.members(len(records)), "multi_agents": dump_list(page.items)}))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        multi_agent_id = call.identifier("multi_agent_id")
        state = self._multi_agents.read(call.owner, call.identifier("session_id"), multi_agent_id)
        if state is None:
            raise MultiAgentNotFoundError(multi_agent_id)
        return answer(dump_record(MultiAgentRecord(multi_agent_id, state)))

    def update(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        record = parse_record(MultiAgentRecord, call.document(), multi_agent_id=call.identifier("multi_agent_id"))
        self._multi_agents.update(call.owner, call.identifier("session_id"), record.multi_agent_id, record.state)
        return answer(dump_record(record))
