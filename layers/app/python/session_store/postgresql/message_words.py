"""The text of messages in which searches look."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

from session_store.message_text import read_text
from session_store.records import MessageRecord
from session_store.settings import StoreSettings

# PostgreSQL refuses a tsvector of more than a megabyte, and a long message must not fail for that.
_MAXIMUM_CHARACTERS = 200_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class MessageWords:
    """language: PostgreSQL's text search configuration, which titles have where messages are not searched too."""

    def __init__(self, settings: StoreSettings) -> None:
        self.language = settings.search_language
        self.with_tool_results = settings.search == "all"
        self.is_on = settings.search != "off"

    def read_all(self, records: Iterable[MessageRecord]) -> list[str | None]:
        """What each message says, and what its tools answered where that is searched too; empty where nothing is."""
        return [self.read(record.message) for record in records] if self.is_on else []

    def read(self, body: str) -> str | None:
        return read_words(body, with_tool_results=self.with_tool_results) if self.is_on else None


def read_words(body: str, *, with_tool_results: bool) -> str | None:
    """The text of a stored message; None if it has none."""
    content: list[Any] = json.loads(body)["content"]
    texts = [read_text(content), *(_tool_texts(content) if with_tool_results else ())]
    return _UNSTORABLE.sub("", "\n".join(texts)[:_MAXIMUM_CHARACTERS]).strip() or None


def _tool_texts(content: list[Any]) -> Iterator[str]:
    for block in content:
        result: Any = cast(dict[str, Any], block).get("toolResult") if isinstance(block, dict) else None
        parts: Any = cast(dict[str, Any], result).get("content") if isinstance(result, dict) else None
        if isinstance(parts, list):
            yield read_text(cast(list[Any], parts))
