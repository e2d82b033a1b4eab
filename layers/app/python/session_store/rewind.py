"""Where a conversation may be cut: to be forked there, or to go on from there again."""

from .encoding import decode
from .errors import InvalidInputError
from .history import tool_use_ids
from .records import BegunRun, MessageRecord, Rewind
from .store import Store


def check_cut(field: str, last: MessageRecord | None) -> None:
    """Raises `InvalidInputError` naming `field` if the history would end with a tool's call, without its result."""
    if last and tool_use_ids(decode(last.message)):
        raise InvalidInputError(field, "must not stand between a tool's call and its result")


def read_rewound(store: Store, owner: str, session_id: str, begun: BegunRun, rewind: Rewind) -> BegunRun:
    """What the run restores when the agent's history ends before `rewind.message_id`.

    Raises `AgentNotFoundError`, `MessageNotFoundError`, `InvalidInputError`.
    """
    agent_id, message_id = rewind
    agent = store.agents.read_past(owner, session_id, agent_id, message_id)
    if message_id == 0:
        return begun._replace(agent=None, messages=())
    start = min(agent.removed_message_count, message_id - 1)
    messages = store.messages.list(owner, session_id, agent_id, from_message_id=start, limit=message_id - start)
    check_cut("from_message_id", messages[-1])
    return begun._replace(agent=agent, messages=messages[agent.removed_message_count - start :])
