"""Messages as JSON text for a page: untouched, but for bytes, which are shown by their type and size."""

import json
from collections.abc import Iterable
from typing import Any, cast

from api.attachments import attachment_id
from api.media_formats import FORMATS, OTHER
from session_store.damage import UNREADABLE, find_message_damage
from session_store.encoding import BYTES_MARK, decode, decoded_object
from session_store.raw_json import dump_json
from session_store.records import MessageRecord, OmittedMessage
from session_store.wire import MAXIMUM_BYTES, Page, wire_bytes


def fill_page(records: Iterable[MessageRecord | OmittedMessage], limit: int) -> tuple[list[str], int | None]:
    """The first `limit` messages, or those of them that fit, and the id of the next one if there is one."""
    page = Page()
    for record in records:
        if len(page.items) == limit or not page.add(message_text(record)):
            return page.items, record.message_id
    return page.items, None


def message_text(record: MessageRecord | OmittedMessage, *, with_binary: bool = False, **more: str) -> str:
    """A `HistoryMessage` as JSON text; one that no response can hold has only its size, a damaged one why it is."""
    head = {
        **more,
        "message_id": record.message_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "redacted": record.is_redacted if isinstance(record, OmittedMessage) else record.redact_message is not None,
    }
    if isinstance(record, OmittedMessage):
        return dump_json({**head, "message": None, "omitted_bytes": record.size_bytes})
    if not with_binary and (damage := find_damage(record.message)):
        return dump_json({**head, "message": None, "damaged": damage})
    shown = record.message if with_binary else without_binary(record.message, record.message_id)
    text = f'{dump_json(head)[:-1]},"message":{shown}}}'
    if wire_bytes(text) <= MAXIMUM_BYTES:
        return text
    return dump_json({**head, "message": None, "omitted_bytes": len(shown.encode())})


def find_damage(text: str) -> str | None:
    """Why no agent can be restored from a message that is stored all the same: by an older version, or another hand."""
    try:
        return find_message_damage(decode(text))
    except (ValueError, RecursionError):
        return UNREADABLE


def without_binary(text: str, message_id: int) -> str:
    """JSON text with a typed placeholder for each of Strands' encoded bytes."""
    if BYTES_MARK not in text:
        return text

    def placeholder(members: dict[str, Any]) -> dict[str, Any]:
        """Called from the innermost object outwards: first for bytes, then for the block that knows their format."""
        decoded = decoded_object(members)
        if isinstance(decoded, bytes):
            name = attachment_id(message_id, decoded)
            return {"type": "binary", "media_type": OTHER, "size_bytes": len(decoded), "attachment_id": name}
        source = members.get("source")
        content = cast(dict[str, Any], source).get("bytes") if isinstance(source, dict) else None
        if isinstance(content, dict) and members.get("format") in FORMATS:
            cast(dict[str, Any], content)["media_type"] = FORMATS[members["format"]].media_type
        return decoded

    return dump_json(json.loads(text, object_hook=placeholder))
