"""/sessions/{session_id}/agents/{agent_id}/messages"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.backend.call import Call
from api.backend.pages import PageQuery
from api.backend.responses import answer
from api.request import Request
from api.responses import no_content
from api.session_routes import ORDERS, Order
from session_store.codec import dump_message, dump_record, parse_message, parse_preview
from session_store.errors import MessageNotFoundError
from session_store.postgresql import PostgreSQLStore
from session_store.raw_json import dump_json, dump_list, dump_object
from session_store.records import MessageRecord
from session_store.wire import Page

_MESSAGES = "/sessions/{session_id}/agents/{agent_id}/messages"
_MAXIMUM_ID = 2**63 - 1
# So many at a time are held in memory, whatever their size: few at first, as of large ones an answer holds few.
_FIRST_BATCH_SIZE = 10
_LARGEST_BATCH_SIZE = 100


class MessageResources:
    def __init__(self, store: PostgreSQLStore) -> None:
        self._messages = store.messages

    def add_to(self, api: BackendApi) -> None:
        api.resource("POST", _MESSAGES, self.create)
        api.resource("GET", _MESSAGES, self.list)
        api.resource("GET", f"{_MESSAGES}/{{message_id}}", self.read)
        api.resource("PUT", f"{_MESSAGES}/{{message_id}}", self.update)
        api.resource("DELETE", f"{_MESSAGES}/{{message_id}}", self.delete)

    def create(self, request: Request) -> Response[Any]:
        """Answers the id under which it is stored; see `store.Messages.create`."""
        call = Call.of(request)
        document = call.document()
        message = parse_message(document)
        message_id = self._messages.create(call.owner, *_place(call), message, parse_preview(document, message))
        return answer(dump_record(message._replace(message_id=message_id)), HTTPStatus.CREATED)

    def list(self, request: Request) -> Response[Any]:
        """As many of the page as fit; `next_message_id` is where it goes on, null where nothing follows."""
        call = Call.of(request, "page", "page_size", "order", "from_message_id")
        query = PageQuery.of(call.query)
        order: Order = call.query.choice("order", ORDERS)
        total, page = self._messages.count(call.owner, *_place(call)), Page()
        next_id = _first_id(call, query, order, total)
        for message in self._from(call, next_id, query.size, order):
            if not page.add(dump_message(message)):
                break
            next_id = message.message_id + (1 if order == "asc" else -1)
        follows = 0 <= next_id < total
        members = {**query.members(total), "next_message_id": dump_json(next_id if follows else None)}
        return answer(dump_object({**members, "messages": dump_list(page.items)}))

    def read(self, request: Request) -> Response[Any]:
        call = Call.of(request)
        message_id = call.message_id()
        message = self._messages.read(call.owner, *_place(call), message_id)
        if message is None:
            raise MessageNotFoundError(message_id)
        return answer(dump_message(message))

    def update(self, request: Request) -> Response[Any]:
        """Replaces the message, as redacting it does: nothing of the earlier one stays in any row."""
        call = Call.of(request)
        document = call.document()
        message = parse_message(document, message_id=call.message_id())
        self._messages.update(call.owner, *_place(call), message, parse_preview(document, message))
        return self.read(request)

    def delete(self, request: Request) -> Response[Any]:
        """Only the last message: ids stay dense."""
        call = Call.of(request)
        self._messages.delete_last(call.owner, *_place(call), call.message_id())
        return no_content()

    def _from(self, call: Call, start: int, count: int, order: Order) -> Iterator[MessageRecord]:
        step, size = 1 if order == "asc" else -1, _FIRST_BATCH_SIZE
        while count > 0 and start >= 0:
            batch = self._messages.list(
                call.owner, *_place(call), from_message_id=start, limit=min(count, size), order=order
            )
            yield from batch
            if len(batch) < size:
                return
            start, count = batch[-1].message_id + step, count - len(batch)
            size = min(2 * size, _LARGEST_BATCH_SIZE)


def _place(call: Call) -> tuple[str, str]:
    return call.identifier("session_id"), call.identifier("agent_id")


def _first_id(call: Call, query: PageQuery, order: Order, total: int) -> int:
    """Ids are dense, so a page is a range of them."""
    newest = max(total - 1, 0)
    start = call.query.whole_number("from_message_id", 0 if order == "asc" else newest, 0, _MAXIMUM_ID)
    return start + query.offset if order == "asc" else min(start, newest) - query.offset
