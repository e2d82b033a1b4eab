from collections.abc import Sequence
from typing import Literal

from session_store._retried_write import find_stored_id
from session_store.codec import dump_record, parse_record
from session_store.document import Document
from session_store.errors import DamagedRecordError, MessageNotFoundError, TooLargeError
from session_store.raw_json import dump_json
from session_store.records import MessagePage, MessageRecord
from session_store.wire import MAXIMUM_BYTES, MAXIMUM_PAGE_SIZE

from .backend import Backend, dump_path


class HttpMessages:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> int:
        body = dump_record(message, preview=dump_json(preview))
        answer = self._backend.send("POST", _path(session_id, agent_id), owner, body)
        if answer.may_exist_by_itself:
            stored_id = find_stored_id(self, owner, session_id, agent_id, message)
            if stored_id is not None:
                return stored_id
        return answer.document().whole_number("message_id")

    def read(self, owner: str, session_id: str, agent_id: str, message_id: int) -> MessageRecord | None:
        answer = self._backend.send("GET", f"{_path(session_id, agent_id)}/{message_id}", owner)
        return None if isinstance(answer.refusal, MessageNotFoundError) else parse_whole_message(answer.document())

    def update(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> None:
        path = f"{_path(session_id, agent_id)}/{message.message_id}"
        self._backend.send("PUT", path, owner, dump_record(message, preview=dump_json(preview))).check()

    def list(
        self,
        owner: str,
        session_id: str,
        agent_id: str,
        *,
        from_message_id: int = 0,
        limit: int | None = None,
        order: Literal["asc", "desc"] = "asc",
    ) -> Sequence[MessageRecord]:
        """In pages, where one answer cannot hold them all."""
        messages: list[MessageRecord] = []
        start: int | None = from_message_id
        while start is not None and (limit is None or len(messages) < limit or not messages):
            count = MAXIMUM_PAGE_SIZE if limit is None else max(1, limit - len(messages))
            page, start = self._page(owner, session_id, agent_id, start, count, order)
            messages += page
        return messages[:limit]

    def page(
        self,
        owner: str,
        session_id: str,
        agent_id: str,
        *,
        from_message_id: int = 0,
        limit: int,
        order: Literal["asc", "desc"] = "asc",
    ) -> MessagePage:
        """Raises `TooLargeError` for a message that no answer can hold."""
        return MessagePage(*self._page(owner, session_id, agent_id, from_message_id, limit, order))

    def _page(
        self, owner: str, session_id: str, agent_id: str, start: int, limit: int, order: str
    ) -> tuple[Sequence[MessageRecord], int | None]:
        size = min(limit, MAXIMUM_PAGE_SIZE)
        page = self._backend.send(
            "GET", _path(session_id, agent_id), owner, from_message_id=start, page_size=size, order=order
        ).document("messages")
        next_id = page.whole_number("next_message_id") if page.has("next_message_id") else None
        return [parse_whole_message(item) for item in page.documents("messages")], next_id


def parse_whole_message(document: Document) -> MessageRecord:
    """Raises `TooLargeError` for a message that no answer can hold, `DamagedRecordError` for one that is none."""
    if document.has("damaged"):
        raise DamagedRecordError("message", document.whole_number("message_id"), document.text("damaged"))
    if document.has("omitted_bytes"):
        message_id = document.whole_number("message_id")
        raise TooLargeError(f"message {message_id}", document.whole_number("omitted_bytes"), MAXIMUM_BYTES)
    return parse_record(MessageRecord, document)


def _path(session_id: str, agent_id: str) -> str:
    return dump_path("sessions", session_id, "agents", agent_id, "messages")
