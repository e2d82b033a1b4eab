"""The words of a message."""

from collections.abc import Iterator, Sequence
from typing import Any, cast


def read_text(content: Sequence[Any]) -> str:
    """The text of a message's content blocks, citations included, as the model said it.

    Providers cut sentences into blocks, so nothing is put between them. What is no block of text has no words.
    """
    return "".join(text for block in content for text in _texts(_members(block)))


def _texts(block: dict[str, Any]) -> Iterator[str]:
    parts: Any = [block] if "text" in block else _members(block.get("citationsContent")).get("content")
    for part in cast(list[Any], parts) if isinstance(parts, list) else []:
        text = _members(part).get("text")
        if isinstance(text, str):
            yield text


def _members(value: Any) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}
