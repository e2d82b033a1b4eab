"""/sessions/{session_id}/agents/{agent_id}/messages"""

from collections.abc import Iterable
from http import HTTPStatus

from api.backend.pages import PageQuery
from api.backend.parameters import AGENT_ID, FROM_MESSAGE_ID, MESSAGE_ID, ORDER, PAGE, PAGE_SIZE, SESSION_ID
from api.backend.resource import document_response, resource
from api.call import Call
from api.response import Response, no_content
from session_store.codec import dump_message, dump_record, parse_message, parse_preview
from session_store.errors import AgentNotFoundError, MessageNotFoundError, MessageOrderError, MessageRedactedError
from session_store.message_pieces import read_messages
from session_store.raw_json import dump_json, dump_list, dump_object
from session_store.records import MessageRecord, OmittedMessage
from session_store.wire import Page

_MESSAGES = "/sessions/{session_id}/agents/{agent_id}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"


def create_message(call: Call) -> Response:
    """Answers the id under which it is stored; see `store.Messages.create`."""
    body = call.document()
    message = parse_message(body)
    message_id = call.store.messages.create(call.owner, *_place(call), message, parse_preview(body, message))
    return document_response(dump_record(message._replace(message_id=message_id)), HTTPStatus.CREATED)


def list_messages(call: Call) -> Response:
    """As many of the page as fit; `next_message_id` is where it goes on, null where nothing follows."""
    query, page = PageQuery.of(call), Page()
    total = call.store.messages.count(call.owner, *_place(call))
    next_id = _first_id(call, query, total)
    for message in _read_from(call, next_id, query.size):
        if not page.add(dump_message(message)):
            break
        next_id = message.message_id + _step(call)
    follows = 0 <= next_id < total
    members = {**query.members(total), "next_message_id": dump_json(next_id if follows else None)}
    return document_response(dump_object({**members, "messages": dump_list(page.items)}))


def read_message(call: Call) -> Response:
    message = call.store.messages.read(call.owner, *_place(call), call[MESSAGE_ID])
    if message is None:
        raise MessageNotFoundError(call[MESSAGE_ID])
    return document_response(dump_message(message))


def update_message(call: Call) -> Response:
    """Replaces the message, as redacting it does: nothing of the earlier one stays in any row."""
    body = call.document()
    message = parse_message(body, message_id=call[MESSAGE_ID])
    call.store.messages.update(call.owner, *_place(call), message, parse_preview(body, message))
    return read_message(call)


def delete_message(call: Call) -> Response:
    """Only the last message: ids stay dense."""
    call.store.messages.delete_last(call.owner, *_place(call), call[MESSAGE_ID])
    return no_content()


def _place(call: Call) -> tuple[str, str]:
    return call[SESSION_ID], call[AGENT_ID]


def _step(call: Call) -> int:
    return 1 if call[ORDER] == "asc" else -1


def _first_id(call: Call, query: PageQuery, total: int) -> int:
    """Ids are dense, so a page is a range of them."""
    start, newest = call[FROM_MESSAGE_ID], max(total - 1, 0)
    if call[ORDER] == "asc":
        return (0 if start is None else start) + query.offset
    return (newest if start is None else min(start, newest)) - query.offset


def _read_from(call: Call, start: int, count: int) -> Iterable[MessageRecord | OmittedMessage]:
    if start < 0:
        return ()
    place = call.owner, *_place(call)
    return read_messages(call.store.messages, *place, from_message_id=start, limit=count, order=call[ORDER])


_ALL = (SESSION_ID, AGENT_ID)
_ONE = (*_ALL, MESSAGE_ID)
OPERATIONS = (
    resource(
        "createMessage",
        "POST",
        _MESSAGES,
        create_message,
        parameters=_ALL,
        status=201,
        errors=[AgentNotFoundError, MessageOrderError],
    ),
    resource(
        "listMessages",
        "GET",
        _MESSAGES,
        list_messages,
        parameters=[*_ALL, PAGE, PAGE_SIZE, ORDER, FROM_MESSAGE_ID],
        errors=[AgentNotFoundError],
    ),
    resource("readMessage", "GET", _MESSAGE, read_message, parameters=_ONE, errors=[MessageNotFoundError]),
    resource(
        "updateMessage",
        "PUT",
        _MESSAGE,
        update_message,
        parameters=_ONE,
        errors=[MessageNotFoundError, MessageRedactedError],
    ),
    resource(
        "deleteMessage",
        "DELETE",
        _MESSAGE,
        delete_message,
        parameters=_ONE,
        status=204,
        errors=[MessageNotFoundError, MessageOrderError],
    ),
)
