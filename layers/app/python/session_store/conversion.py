"""Between Strands' objects and the store's records."""

from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from .encoding import checked_timestamp, decode, encode
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
    return SessionAgent(
        agent_id=record.agent_id,
        state=decode(record.state),
        conversation_manager_state=decode(record.conversation_manager_state),
        _internal_state=decode(record.internal_state),
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
    # Built directly: `SessionMessage.from_dict` inspects its own signature and walks the body, 30 times the cost.
    return SessionMessage(
        message=decode(record.message),
        message_id=record.message_id,
        redact_message=None if record.redact_message is None else decode(record.redact_message),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
