"""Between Strands' objects and the store's records."""

from collections.abc import Sequence
from typing import Any

from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from .damage import UNREADABLE, find_agent_damage, find_message_damage, find_multi_agent_damage
from .encoding import batched, checked_timestamp, decode, decode_all, encode
from .errors import DamagedRecordError
from .identifiers import checked, checked_number
from .records import AgentRecord, MessageRecord, SessionRecord


def session_record(session: Session) -> SessionRecord:
    return SessionRecord(
        session_id=checked("session_id", session.session_id),
        session_type=SessionType(session.session_type).value,
        created_at=checked_timestamp("created_at", session.created_at),
        updated_at=checked_timestamp("updated_at", session.updated_at),
    )


def session_of(record: SessionRecord) -> Session:
    return Session(record.session_id, SessionType(record.session_type), record.created_at, record.updated_at)


def agent_record(agent: SessionAgent) -> AgentRecord:
    removed = agent.conversation_manager_state.get("removed_message_count", 0)
    return AgentRecord(
        agent_id=checked("agent_id", agent.agent_id),
        state=encode("state", agent.state),
        conversation_manager_state=encode("conversation_manager_state", agent.conversation_manager_state),
        internal_state=encode("internal_state", agent._internal_state),  # pyright: ignore[reportPrivateUsage]
        created_at=checked_timestamp("created_at", agent.created_at),
        updated_at=checked_timestamp("updated_at", agent.updated_at),
        removed_message_count=removed if isinstance(removed, int) else 0,
    )


def agent_of(record: AgentRecord) -> SessionAgent:
    """Raises `DamagedRecordError`."""
    texts = record.state, record.conversation_manager_state, record.internal_state
    state, manager_state, internal_state = (_decode("agent", record.agent_id, text) for text in texts)
    if reason := find_agent_damage(state, manager_state, internal_state):
        raise DamagedRecordError("agent", record.agent_id, reason)
    return SessionAgent(
        agent_id=record.agent_id,
        state=state,
        conversation_manager_state=manager_state,
        _internal_state=internal_state,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def message_record(message: SessionMessage) -> MessageRecord:
    """A redacted message keeps nothing of its original."""
    message_id = checked_number("message_id", message.message_id)
    body = encode("message", message.to_message())
    return MessageRecord(
        message_id=message_id,
        message=body,
        redact_message=None if message.redact_message is None else body,
        created_at=checked_timestamp("created_at", message.created_at),
        updated_at=checked_timestamp("updated_at", message.updated_at),
    )


def message_of(record: MessageRecord) -> SessionMessage:
    """Raises `DamagedRecordError`."""
    message = _decode("message", record.message_id, record.message)
    redacted = record.redact_message
    redact_message = None if redacted is None else _decode("message", record.message_id, redacted)
    if reason := find_message_damage(message if redact_message is None else redact_message):
        raise DamagedRecordError("message", record.message_id, reason)
    # Built directly: `SessionMessage.from_dict` inspects its own signature and walks the body, 30 times the cost.
    return SessionMessage(
        message=message,
        message_id=record.message_id,
        redact_message=redact_message,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def messages_of(records: Sequence[MessageRecord]) -> list[SessionMessage]:
    """`message_of` each, in half its time. Raises `DamagedRecordError`."""
    messages: list[SessionMessage] = []
    for some in batched(records):
        messages += _whole_messages(some) or [message_of(record) for record in some]
    return messages


def _whole_messages(records: Sequence[MessageRecord]) -> list[SessionMessage] | None:
    """None where one of them is redacted or damaged."""
    ids, texts, redacted, created_at, updated_at = zip(*records, strict=True)
    try:
        bodies = decode_all(texts)
    except (ValueError, RecursionError):
        return None
    if any(redacted) or any(map(find_message_damage, bodies)):
        return None
    return list(map(SessionMessage, bodies, ids, redacted, created_at, updated_at))


def multi_agent_state(multi_agent_id: str, state: str) -> dict[str, Any]:
    """Raises `DamagedRecordError`."""
    payload = _decode("multi-agent", multi_agent_id, state)
    if reason := find_multi_agent_damage(payload):
        raise DamagedRecordError("multi-agent", multi_agent_id, reason)
    return payload


def _decode(kind: str, identifier: str | int, text: str) -> Any:
    try:
        return decode(text)
    except (ValueError, RecursionError) as error:
        raise DamagedRecordError(kind, identifier, UNREADABLE) from error
