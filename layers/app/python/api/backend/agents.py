"""/sessions/{session_id}/agents"""

from http import HTTPStatus

from api.backend.pages import PageQuery
from api.backend.parameters import AGENT_ID, BEFORE_MESSAGE_ID, PAGE, PAGE_SIZE, SESSION_ID
from api.backend.resource import document_response, resource
from api.call import Call
from api.response import Response, no_content
from session_store.codec import dump_record, parse_record
from session_store.errors import AgentNotFoundError, AlreadyExistsError, MessageNotFoundError, SessionNotFoundError
from session_store.raw_json import dump_list, dump_object
from session_store.records import AgentChange, AgentRecord
from session_store.restorable import check_agent
from session_store.wire import MAXIMUM_BYTES, Page, wire_bytes

_AGENTS = "/sessions/{session_id}/agents"
_AGENT = f"{_AGENTS}/{{agent_id}}"


def create_agent(call: Call) -> Response:
    agent = parse_record(AgentRecord, call.document())
    check_agent(agent)
    call.store.agents.create(call.owner, call[SESSION_ID], agent)
    return document_response(_dump_agent(agent), HTTPStatus.CREATED)


def list_agents(call: Call) -> Response:
    session_id, agents, query, page = call[SESSION_ID], call.store.agents, PageQuery.of(call), Page()
    total = agents.count(call.owner, session_id)
    if total is None:
        raise SessionNotFoundError(session_id)
    for agent in agents.list(call.owner, session_id, limit=query.size, offset=query.offset):
        if not page.add(_dump_agent(agent)):
            break
    return document_response(dump_object({**query.members(total), "agents": dump_list(page.items)}))


def read_agent(call: Call) -> Response:
    """As it is, or as it was before one of its messages."""
    place, message_id = (call.owner, call[SESSION_ID], call[AGENT_ID]), call[BEFORE_MESSAGE_ID]
    if message_id is not None:
        return document_response(dump_record(call.store.agents.read_past(*place, message_id)))
    return _read_agent(call)


def _read_agent(call: Call) -> Response:
    agent = call.store.agents.read(call.owner, call[SESSION_ID], call[AGENT_ID])
    if agent is None:
        raise AgentNotFoundError(call[AGENT_ID])
    return document_response(_dump_agent(agent))


def update_agent(call: Call) -> Response:
    """What the document leaves out stays as it is."""
    change = parse_record(AgentChange, call.document(), agent_id=call[AGENT_ID])
    check_agent(change)
    call.store.agents.update(call.owner, call[SESSION_ID], change)
    return _read_agent(call)


def delete_agent(call: Call) -> Response:
    call.store.agents.delete(call.owner, call[SESSION_ID], call[AGENT_ID])
    return no_content()


def _dump_agent(agent: AgentRecord) -> str:
    """With its internal state under Strands' name, too; under that alone where an answer cannot hold it twice."""
    document = dump_record(agent, _internal_state=agent.internal_state)
    if wire_bytes(document) <= MAXIMUM_BYTES:
        return document
    return dump_record(agent, _internal_state=agent.internal_state, internal_state="null")


_ONE = (SESSION_ID, AGENT_ID)
OPERATIONS = (
    resource(
        "createAgent",
        "POST",
        _AGENTS,
        create_agent,
        parameters=[SESSION_ID],
        status=201,
        errors=[SessionNotFoundError, AlreadyExistsError],
    ),
    resource(
        "listAgents",
        "GET",
        _AGENTS,
        list_agents,
        parameters=[SESSION_ID, PAGE, PAGE_SIZE],
        errors=[SessionNotFoundError],
    ),
    resource(
        "readAgent",
        "GET",
        _AGENT,
        read_agent,
        parameters=(*_ONE, BEFORE_MESSAGE_ID),
        errors=[AgentNotFoundError, MessageNotFoundError],
    ),
    resource("updateAgent", "PUT", _AGENT, update_agent, parameters=_ONE, errors=[AgentNotFoundError]),
    resource("deleteAgent", "DELETE", _AGENT, delete_agent, parameters=_ONE, status=204, errors=[AgentNotFoundError]),
)
