"""What became of a message whose creation was repeated, because its answer was lost.

To be asked before any refusal is raised: a run may have taken the session after the first try had stored the message.
"""

from .errors import AgentNotFoundError
from .records import MessageRecord
from .store import Messages

_NEWEST = 2**62


def find_stored_id(
    messages: Messages, owner: str, session_id: str, agent_id: str, message: MessageRecord
) -> int | None:
    """Its id, if this very message is stored: its own, or the last one where its manager counted from 0 again."""
    if messages.read(owner, session_id, agent_id, message.message_id) == message:
        return message.message_id
    if message.message_id > 0:
        return None
    try:
        newest = messages.list(owner, session_id, agent_id, from_message_id=_NEWEST, limit=1, order="desc")
    except AgentNotFoundError:
        return None
    return next((last.message_id for last in newest if last._replace(message_id=message.message_id) == message), None)
