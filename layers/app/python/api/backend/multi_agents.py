"""/sessions/{session_id}/multi-agents"""

from http import HTTPStatus

from api.backend.pages import PageQuery
from api.backend.parameters import MULTI_AGENT_ID, PAGE, PAGE_SIZE, SESSION_ID
from api.backend.resource import document_response, resource
from api.call import Call
from api.response import Response
from session_store.codec import dump_record, parse_record
from session_store.errors import AlreadyExistsError, MultiAgentNotFoundError, SessionNotFoundError
from session_store.raw_json import dump_list, dump_object
from session_store.records import MultiAgentRecord
from session_store.restorable import check_multi_agent
from session_store.wire import Page

_MULTI_AGENTS = "/sessions/{session_id}/multi-agents"
_MULTI_AGENT = f"{_MULTI_AGENTS}/{{multi_agent_id}}"


def create_multi_agent(call: Call) -> Response:
    record = parse_record(MultiAgentRecord, call.document())
    check_multi_agent(record)
    call.store.multi_agents.create(call.owner, call[SESSION_ID], record.multi_agent_id, record.state)
    return document_response(dump_record(record), HTTPStatus.CREATED)


def list_multi_agents(call: Call) -> Response:
    query, page = PageQuery.of(call), Page()
    records = call.store.multi_agents.list(call.owner, call[SESSION_ID])
    for record in records[query.offset : query.offset + query.size]:
        if not page.add(dump_record(record)):
            break
    return document_response(dump_object({**query.members(len(records)), "multi_agents": dump_list(page.items)}))


def read_multi_agent(call: Call) -> Response:
    state = call.store.multi_agents.read(call.owner, call[SESSION_ID], call[MULTI_AGENT_ID])
    if state is None:
        raise MultiAgentNotFoundError(call[MULTI_AGENT_ID])
    return document_response(dump_record(MultiAgentRecord(call[MULTI_AGENT_ID], state)))


def update_multi_agent(call: Call) -> Response:
    record = parse_record(MultiAgentRecord, call.document(), multi_agent_id=call[MULTI_AGENT_ID])
    check_multi_agent(record)
    call.store.multi_agents.update(call.owner, call[SESSION_ID], record.multi_agent_id, record.state)
    return document_response(dump_record(record))


_ONE = (SESSION_ID, MULTI_AGENT_ID)
OPERATIONS = (
    resource(
        "createMultiAgent",
        "POST",
        _MULTI_AGENTS,
        create_multi_agent,
        parameters=[SESSION_ID],
        status=201,
        errors=[SessionNotFoundError, AlreadyExistsError],
    ),
    resource(
        "listMultiAgents",
        "GET",
        _MULTI_AGENTS,
        list_multi_agents,
        parameters=[SESSION_ID, PAGE, PAGE_SIZE],
    ),
    resource(
        "readMultiAgent", "GET", _MULTI_AGENT, read_multi_agent, parameters=_ONE, errors=[MultiAgentNotFoundError]
    ),
    resource(
        "updateMultiAgent", "PUT", _MULTI_AGENT, update_multi_agent, parameters=_ONE, errors=[MultiAgentNotFoundError]
    ),
)
