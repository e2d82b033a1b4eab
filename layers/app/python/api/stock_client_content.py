"""The content of a message of AG-UI's, text or parts, as a prompt."""

from collections.abc import Mapping
from typing import Any, cast

from api.errors import InvalidRequestError


def parse_content(content: Any, field: str) -> str:
    """Raises `InvalidRequestError` naming the part at fault; nothing is ever fetched from an address."""
    if isinstance(content, str):
        texts = [content]
    elif isinstance(content, list):
        parts = cast(list[Any], content)
        texts = [_parse_part(part, f"{field}[{number}]") for number, part in enumerate(parts)]
    else:
        raise InvalidRequestError([(field, "must be text, or a list of content parts")])
    text = "\n\n".join(texts)
    if not text.strip():
        raise InvalidRequestError([(field, "must not be empty")])
    return text


def _parse_part(value: Any, field: str) -> str:
    if not isinstance(value, dict):
        raise InvalidRequestError([(field, "must be a JSON object")])
    part = cast(Mapping[str, Any], value)
    source: Any = part.get("source")
    if isinstance(source, dict) and cast(Mapping[str, Any], source).get("type") != "data":
        raise InvalidRequestError([(f"{field}.source.type", "must be data: nothing is fetched for a caller")])
    if part.get("type") != "text":
        raise InvalidRequestError([(f"{field}.type", "must be text: no other content is taken")])
    text = part.get("text")
    if not isinstance(text, str):
        raise InvalidRequestError([(f"{field}.text", "must be text")])
    return text
