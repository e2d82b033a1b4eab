from collections.abc import Iterator

from session_store.document import Document
from session_store.errors import SessionNotFoundError
from session_store.wire import MAXIMUM_PAGE_SIZE

from .backend import Backend


def all_items(backend: Backend, owner: str, path: str, name: str) -> Iterator[Document]:
    """Every item of a list that a session has; none if there is no such session."""
    count = 0
    while True:
        # One at a time after an answer that could not hold them all, so that a page is a position.
        page, size = (count + 1, 1) if count else (1, MAXIMUM_PAGE_SIZE)
        answer = backend.send("GET", path, owner, page=page, page_size=size)
        if isinstance(answer.refusal, SessionNotFoundError):
            return
        document = answer.document(name)
        items = document.documents(name)
        yield from items
        count += len(items)
        if not items or count >= document.whole_number("total"):
            return
