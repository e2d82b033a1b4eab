"""Files of a client's message that it knows by their place in the session: asked again, they are sent as content."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, cast

from api.attachments import find_attachment, parse_attachment_id
from api.call import Call
from api.stored_conversation import attachments_path
from session_store.errors import NotFoundError

Part = Mapping[str, Any]
FillPart = Callable[[Any], Any]


def fill_ui_part(call: Call, session_id: str) -> FillPart:
    """Of Vercel's AI SDK."""

    def fill(part: Any) -> Any:
        given = _members(part)
        content = _read(call, session_id, given.get("url"))
        return part if content is None else {**given, "url": f"data:{given.get('mediaType')};base64,{content}"}

    return fill


def fill_ag_ui_part(call: Call, session_id: str) -> FillPart:
    def fill(part: Any) -> Any:
        given = _members(part)
        named = _members(given.get("source"))
        content = _read(call, session_id, named.get("value")) if named.get("type") == "url" else None
        return part if content is None else {**given, "source": {**named, "type": "data", "value": content}}

    return fill


def _members(value: object) -> Part:
    return cast(Part, value) if isinstance(value, dict) else {}


def _read(call: Call, session_id: str, url: Any) -> str | None:
    """In base64; None for every other address, where nothing is read."""
    path = f"{attachments_path(session_id)}/"
    if not isinstance(url, str) or not url.startswith(path):
        return None
    name = url.removeprefix(path)
    try:
        message_id = parse_attachment_id(name)
        record = call.store.messages.read(call.owner, session_id, call.settings.agent_id, message_id)
    except NotFoundError:
        return None
    found = find_attachment(record.message, name) if record else None
    return base64.b64encode(found.content).decode() if found else None
