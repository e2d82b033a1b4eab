"""One session whole, as JSON Lines: the session, its multi-agents, then each agent followed by its messages."""

import base64
import binascii
import json
from collections.abc import Iterator

from api.history import message_text
from session_store.codec import dump_record
from session_store.errors import CursorNotFoundError
from session_store.message_pieces import read_messages
from session_store.raw_json import dump_json
from session_store.records import AgentRecord, MultiAgentRecord, SessionRecord
from session_store.store import Store
from session_store.wire import Page

Position = tuple[int, str, int]
"""Where a line stands: kind (0 session, 1 multi-agent, 2 agent), id, and in an agent 0 or 1 + the message's id."""

FIRST: Position = (0, "", 0)
_MOST_MESSAGES = 100_000  # of so many one response holds a part


class Export:
    def __init__(self, store: Store, owner: str, session: SessionRecord) -> None:
        self._store, self._owner, self._session = store, owner, session

    def page(self, start: Position) -> tuple[list[str], Position | None]:
        """Lines from `start` on, as many as a response holds, and where the next page begins if there is one."""
        page = Page()
        for position, line in self._lines(start):
            if not page.add(line):
                return page.items, position
        return page.items, None

    def _lines(self, start: Position) -> Iterator[tuple[Position, str]]:
        if start <= FIRST:
            yield FIRST, _dump_line("session", self._session)
        for multi_agent in self._store.multi_agents.list(self._owner, self._session.session_id):
            position = (1, multi_agent.multi_agent_id, 0)
            if start <= position:
                yield position, _dump_line("multi_agent", multi_agent)
        for agent in self._store.agents.list(self._owner, self._session.session_id):
            yield from self._agent_lines(agent, start)

    def _agent_lines(self, agent: AgentRecord, start: Position) -> Iterator[tuple[Position, str]]:
        position = (2, agent.agent_id, 0)
        if start <= position:
            yield position, _dump_line("agent", agent)
            yield from self._message_lines(agent.agent_id, 0)
        elif start[:2] == position[:2]:
            yield from self._message_lines(agent.agent_id, start[2] - 1)

    def _message_lines(self, agent_id: str, from_message_id: int) -> Iterator[tuple[Position, str]]:
        place = self._owner, self._session.session_id, agent_id
        messages = read_messages(self._store.messages, *place, from_message_id=from_message_id, limit=_MOST_MESSAGES)
        for record in messages:
            line = message_text(record, with_binary=True, type="message", agent_id=agent_id)
            yield (2, agent_id, record.message_id + 1), line


def dump_cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def parse_cursor(cursor: str) -> Position:
    """Raises `CursorNotFoundError` for a cursor that no export gave."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        kind, identifier, number = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise CursorNotFoundError(cursor) from error
    if not (isinstance(kind, int) and isinstance(identifier, str) and isinstance(number, int) and 0 <= number < 2**62):
        raise CursorNotFoundError(cursor)
    return kind, identifier, number


def _dump_line(kind: str, record: SessionRecord | MultiAgentRecord | AgentRecord) -> str:
    return dump_record(record, type=dump_json(kind))
