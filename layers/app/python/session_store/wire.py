"""The session backend's documents, one form for both of its ends: the names of the REST contract, the store's records.

What Strands stores (messages, states, results) stands in a document as the very text that is stored.
"""

import base64
import binascii
import json
import re
from typing import Any

from . import identifiers
from .document import Document
from .encoding import PREVIEW_LENGTH, preview_of
from .errors import InvalidIdentifierError, InvalidInputError
from .raw_json import object_text
from .records import AgentRecord, MessageRecord, SessionRecord

# Lambda takes and gives 6 MB, counted after the body has become a string in a JSON document, where quotes, backslashes
# and line breaks take two bytes. docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAXIMUM_BYTES = 5_000_000
MAXIMUM_DEPTH = 900
MAXIMUM_PAGE_SIZE = 1000
SESSION_TYPES = ("AGENT",)
ENCODED = "~"
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def wire_bytes(text: str) -> int:
    """The size of `text` inside Lambda's event or response."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def segment_of(identifier: str) -> str:
    """An identifier for a path or a query: as it is if it is plain, else `~` and its UTF-8 in base64url.

    Only characters that no client, signature or gateway encodes, decodes or normalizes: percent-encoding does not
    survive them all (`%2F`, `.` and `..`, decoded paths), and takes up to 3,060 bytes of API Gateway's 10,240.
    """
    if _PLAIN.fullmatch(identifier):
        return identifier
    return ENCODED + base64.urlsafe_b64encode(identifier.encode()).decode().rstrip("=")


def identifier_of(field: str, segment: str) -> str:
    """The identifier that `segment_of` made `segment` of, or that stands there as it is.

    Raises `InvalidIdentifierError`.
    """
    if not segment.startswith(ENCODED):
        return identifiers.checked(field, segment)
    encoded = segment.removeprefix(ENCODED)
    try:
        value = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidIdentifierError(field, "begins with ~, but what follows is not base64url of UTF-8") from error
    return identifiers.checked(field, value)


def session_text(session: SessionRecord, multi_agent_state: str | None = None) -> str:
    values = {
        "session_id": session.session_id,
        "session_type": session.session_type,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "message_count": session.message_count,
        "preview": session.preview,
    }
    return object_text(values, {"multi_agent_state": multi_agent_state} if multi_agent_state else {})


def session_of(document: Document, session_id: str | None = None) -> SessionRecord:
    session_type = document.text("session_type") or SESSION_TYPES[0]
    if session_type not in SESSION_TYPES:
        raise InvalidInputError("session_type", f"must be {' or '.join(SESSION_TYPES)}")
    return SessionRecord(
        document.identifier("session_id", session_id),
        session_type,
        document.timestamp("created_at"),
        document.timestamp("updated_at"),
        document.whole_number("message_count", 0),
        document.text("preview") or "",
    )


def agent_text(agent: AgentRecord) -> str:
    return object_text(
        {
            "agent_id": agent.agent_id,
            "created_at": agent.created_at,
            "updated_at": agent.updated_at,
            "removed_message_count": agent.removed_message_count,
            "message_count": agent.message_count,
        },
        {
            "state": agent.state,
            "conversation_manager_state": agent.conversation_manager_state,
            "internal_state": agent.internal_state,
        },
    )


def agent_of(document: Document, agent_id: str | None = None) -> AgentRecord:
    """`removed_message_count` is read from the conversation manager's state, unless it is given."""
    manager_state = document.object("conversation_manager_state")
    removed = json.loads(manager_state).get("removed_message_count", 0)
    return AgentRecord(
        document.identifier("agent_id", agent_id),
        document.object("state"),
        manager_state,
        document.object("internal_state", "{}"),
        document.timestamp("created_at"),
        document.timestamp("updated_at"),
        document.whole_number("removed_message_count", removed if isinstance(removed, int) else 0),
        document.whole_number("message_count", 0),
    )


def message_text(message: MessageRecord, **more: str | None) -> str:
    return object_text(
        {
            **more,
            "message_id": message.message_id,
            "created_at": message.created_at,
            "updated_at": message.updated_at,
        },
        {"message": message.message, "redact_message": message.redact_message},
    )


def answered_message_text(message: MessageRecord) -> str:
    """`message_text`, or of one that no answer can hold its size only."""
    text = message_text(message)
    if wire_bytes(text) <= MAXIMUM_BYTES:
        return text
    return object_text({"message_id": message.message_id, "omitted_bytes": len(message.message.encode())}, {})


def message_of(document: Document, message_id: int | None = None) -> MessageRecord:
    """A redacted message has its replacement in both bodies."""
    redacted = document.raw("redact_message") is not None
    body = document.object("redact_message" if redacted else "message")
    given = document.whole_number("message_id", message_id)
    if message_id not in (None, given):
        raise InvalidInputError("message_id", "is another one than the path names")
    created_at, updated_at = document.timestamp("created_at"), document.timestamp("updated_at")
    return MessageRecord(given, body, body if redacted else None, created_at, updated_at)


def checked_message(message: MessageRecord) -> MessageRecord:
    """Raises `InvalidInputError` for a body that no agent could be restored from."""
    body = json.loads(message.message)
    content: list[Any] | None = body["content"] if isinstance(body.get("content"), list) else None
    if body.get("role") not in ("user", "assistant") or content is None:
        raise InvalidInputError("message", "must have the role user or assistant, and a list as its content")
    if not all(isinstance(block, dict) for block in content):
        raise InvalidInputError("message", "must have objects in its content")
    return message


def preview_in(document: Document, message: MessageRecord) -> str | None:
    """The `preview` that is given; else that of an agent's first message, and None for a later one."""
    if document.has("preview"):
        return checked_preview("preview", document.text("preview"))
    return preview_of(json.loads(message.message)) if message.message_id == 0 else None


def checked_preview(field: str, preview: str | None) -> str | None:
    if preview is not None and not (len(preview) <= PREVIEW_LENGTH and preview.isprintable()):
        raise InvalidInputError(field, f"must be printable text of at most {PREVIEW_LENGTH} characters")
    return preview
