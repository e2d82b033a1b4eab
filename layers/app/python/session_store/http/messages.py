from collections.abc import Sequence
from typing import Literal

from session_store.document import Document
from session_store.errors import MessageNotFoundError, TooLargeError
from session_store.records import MessageRecord
from session_store.repetition import stored_id_of
from session_store.wire import MAXIMUM_BYTES, MAXIMUM_PAGE_SIZE, message_of, message_text

from .backend import Backend, path_of


class HttpMessages:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> int:
        body = message_text(message, preview=preview)
        answer = self._backend.send("POST", _path(session_id, agent_id), owner, body)
        if answer.may_exist_by_itself:
            stored_id = stored_id_of(self, owner, session_id, agent_id, message)
            if stored_id is not None:
                return stored_id
        return answer.document().whole_number("message_id")

    def read(self, owner: str, session_id: str, agent_id: str, message_id: int) -> MessageRecord | None:
        answer = self._backend.send("GET", f"{_path(session_id, agent_id)}/{message_id}", owner)
        return None if isinstance(answer.refusal, MessageNotFoundError) else whole_message_of(answer.document())

    def update(self, owner: str, session_id: str, agent_id: str, message: MessageRecord, preview: str | None) -> None:
        path = f"{_path(session_id, agent_id)}/{message.message_id}"
        self._backend.send("PUT", path, owner, message_text(message, preview=preview)).check()

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
        most = MAXIMUM_PAGE_SIZE
        while start is not None and (limit is None or len(messages) < limit or not messages):
            count = most if limit is None else max(1, min(limit - len(messages), most))
            page = self._backend.send(
                "GET", _path(session_id, agent_id), owner, from_message_id=start, page_size=count, order=order
            ).document()
            items = page.documents("messages")
            messages += map(whole_message_of, items)
            # Where few have filled an answer, the backend must not read a thousand again for the few that do next.
            most = min(2 * len(items) or 1, MAXIMUM_PAGE_SIZE)
            start = page.whole_number("next_message_id") if page.raw("next_message_id") else None
        return messages[:limit]


def whole_message_of(document: Document) -> MessageRecord:
    """Raises `TooLargeError` for a message that no answer can hold."""
    if document.raw("omitted_bytes"):
        message_id = document.whole_number("message_id")
        raise TooLargeError(f"message {message_id}", document.whole_number("omitted_bytes"), MAXIMUM_BYTES)
    return message_of(document)


def _path(session_id: str, agent_id: str) -> str:
    return path_of("sessions", session_id, "agents", agent_id, "messages")
