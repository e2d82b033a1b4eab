"""Names for the bytes in a message: `<message_id>-<beginning of the SHA-256 of the content>`."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from api.media_formats import FORMATS, OTHER
from session_store.encoding import decoded_object
from session_store.errors import AttachmentNotFoundError

_HASH_LENGTH = 16


class Attachment(NamedTuple):
    content: bytes
    media_type: str
    file_name: str


def attachment_id(message_id: int, content: bytes) -> str:
    return f"{message_id}-{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}"


def parse_attachment_id(text: str) -> int:
    """The message that it is in. Raises `AttachmentNotFoundError`."""
    number, _, _ = text.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise AttachmentNotFoundError(text)
    return int(number)


def find_attachment(body: str, name: str) -> Attachment | None:
    """In a stored message."""
    message_id = parse_attachment_id(name)
    for format_name, content in _contents(json.loads(body, object_hook=decoded_object), ""):
        if attachment_id(message_id, content) == name:
            known = FORMATS.get(format_name)
            return Attachment(content, known.media_type if known else OTHER, f"{name}.{format_name or 'bin'}")
    return None


def _contents(value: Any, format_name: str) -> Iterator[tuple[str, bytes]]:
    """Every bytes inside, with the format that the block around it names."""
    if isinstance(value, bytes):
        yield format_name, value
    elif isinstance(value, list):
        for item in cast(list[Any], value):
            yield from _contents(item, format_name)
    elif isinstance(value, dict):
        members = cast(Mapping[str, Any], value)
        named = members.get("format")
        for member in members.values():
            yield from _contents(member, named if isinstance(named, str) and named in FORMATS else format_name)
