"""What a run has gathered since its last write."""

import threading
from collections.abc import Callable
from typing import TypeVar

from .errors import RunEndedError
from .open_turn import is_open, mark_open, unmark
from .records import (
    AgentMessage,
    AgentRecord,
    MessageRecord,
    MultiAgentRecord,
    Rewind,
    RunOutcome,
    RunWrite,
    ValueWrite,
)

Key = TypeVar("Key")
Value = TypeVar("Value")


class Journal:
    """Gathers records in order; `take` hands them over as one write, `settle` forgets what was written.

    Message ids are given here, dense from what is stored: a session manager's own count can restart at 0, when its
    conversation manager says that it removed more than is stored.

    An agent that is written before the run ends is marked: its turn is open. The write that ends the run takes the
    marks away, so that a mark found later tells of a run that never ended.

    Agents of one run may work at once: what one of them says while another's write is on its way, from `take` to
    `settle`, waits for the next write. The lock is held for moments only, since event loops wait for it.
    """

    def __init__(self, session_id: str, run_id: str, lease_seconds: float) -> None:
        self._lock = threading.RLock()
        self._empty = RunWrite(session_id, run_id, lease_seconds)
        self._next_ids: dict[str, int] = {}
        self._stored_counts: dict[str, int] = {}
        self._agents: dict[str, AgentRecord] = {}
        self._created: set[str] = set()
        self._updated: set[str] = set()
        self._messages: list[AgentMessage] = []
        self._last: dict[str, MessageRecord] = {}
        self._redactions: dict[tuple[str, int], AgentMessage] = {}
        self._multi_agents: dict[str, MultiAgentRecord] = {}
        self._values: dict[str, ValueWrite] = {}
        self._taken: RunWrite = self._empty
        self._closed = False
        self._title: str | None = None
        self._rewind: Rewind | None = None
        self._preview: str | None = None
        self._redacted_preview: str | None = None
        self.stored_tails: dict[str, MessageRecord] = {}
        self.stored_agents: dict[str, AgentRecord] = {}

    @property
    def run_id(self) -> str:
        return self._empty.run_id

    @property
    def is_empty(self) -> bool:
        gathered = self._created, self._updated, self._messages, self._redactions, self._multi_agents, self._values
        return not any(gathered)

    def knows(self, agent_id: str) -> bool:
        return agent_id in self._next_ids

    def next_message_id(self, agent_id: str) -> int:
        return self._next_ids[agent_id]

    def agent(self, agent_id: str) -> AgentRecord | None:
        """As it was last given or restored."""
        return self._agents.get(agent_id)

    def restored(self, agent: AgentRecord, tail: MessageRecord | None) -> None:
        """Begin from what is stored."""
        self._next_ids[agent.agent_id] = self._stored_counts[agent.agent_id] = agent.message_count
        self._agents[agent.agent_id] = unmark(agent)
        self.stored_agents[agent.agent_id] = agent
        if self._rewind and self._rewind.agent_id == agent.agent_id:
            self._updated.add(agent.agent_id)  # to be written even unchanged: it is not what is stored
        if tail:
            self.stored_tails[agent.agent_id] = tail

    def rewind(self, rewind: Rewind) -> None:
        """What completes the run goes on before that message; a run that fails leaves the history as it is."""
        self._rewind = rewind

    def set_title(self, title: str) -> None:
        with self._lock:
            self.check_open()
            self._title = title

    def leave(self, agent_id: str) -> None:
        """Write nothing of an agent that was restored: a mark of an open turn stays on it."""
        self.stored_agents.pop(agent_id, None)

    def create_agent(self, agent: AgentRecord) -> None:
        with self._lock:
            self.check_open()
            self._agents[agent.agent_id] = agent
            self._created.add(agent.agent_id)
            self._next_ids[agent.agent_id] = 0

    def update_agent(self, agent: AgentRecord) -> None:
        with self._lock:
            self.check_open()
            known = self._agents[agent.agent_id]
            self._agents[agent.agent_id] = agent._replace(created_at=known.created_at)
            if agent.agent_id not in self._created:
                self._updated.add(agent.agent_id)

    def append(self, agent_id: str, record: MessageRecord, preview: Callable[[], str]) -> int:
        """The id given to the message; `preview` is asked for only at an agent's first one.

        Raises `RunEndedError` once the run has ended: the message would be stored nowhere.
        """
        with self._lock:
            self.check_open()
            message_id = self._next_ids[agent_id]
            self._next_ids[agent_id] = message_id + 1
            if record.message_id != message_id:
                record = record._replace(message_id=message_id)
            self._last[agent_id] = record
            self._messages.append(AgentMessage(agent_id, record))
            if message_id == 0 and self._preview is None:
                self._preview = preview()
            return message_id

    def redact(self, agent_id: str, record: MessageRecord, preview: Callable[[], str]) -> None:
        """Replace a gathered message, or mark a stored one for it."""
        with self._lock:
            self.check_open()
            self._replace(AgentMessage(agent_id, record))
            if record.message_id == 0:
                self._redacted_preview = preview()

    def save_multi_agent(self, state: MultiAgentRecord) -> None:
        with self._lock:
            self.check_open()
            self._multi_agents[state.multi_agent_id] = state

    def put_value(self, value: ValueWrite) -> None:
        with self._lock:
            self.check_open()
            self._values[value.key] = value

    def values(self, prefix: str = "") -> dict[str, ValueWrite]:
        """What was put since the last write, by key."""
        with self._lock:
            return {key: value for key, value in self._values.items() if key.startswith(prefix)}

    def find(self, agent_id: str, message_id: int) -> MessageRecord | None:
        gathered = (message for message in self._messages if message.agent_id == agent_id)
        return next((message.record for message in gathered if message.record.message_id == message_id), None)

    def last_of_run(self, agent_id: str) -> MessageRecord | None:
        """The last message that was appended, as it was then, written since or not."""
        return self._last.get(agent_id)

    def take(self, outcome: RunOutcome | None = None, number: int | None = None) -> RunWrite:
        with self._lock:
            with_messages = {message.agent_id for message in self._messages}
            self._taken = self._empty._replace(
                number=number,
                created_agents=self._written(self._created, outcome),
                updated_agents=self._written(self._updated | self._to_mark(with_messages, outcome), outcome),
                messages=tuple(self._messages),
                redactions=tuple(self._redactions.values()),
                multi_agents=tuple(self._multi_agents.values()),
                preview=self._preview,
                redacted_preview=self._redacted_preview,
                outcome=outcome,
                title=self._title,
                rewind=self._rewind if outcome and outcome.status == "completed" else None,
                values=tuple(self._values.values()),
            )
            return self._taken

    def settle(self) -> None:
        """All that was taken is durable now."""
        with self._lock:
            for message in self._taken.messages:
                self.stored_tails[message.agent_id] = message.record
                self._stored_counts[message.agent_id] = message.record.message_id + 1
            for agent in (*self._taken.created_agents, *self._taken.updated_agents):
                self.stored_agents[agent.agent_id] = agent
            self._forget(self._taken)

    def close(self) -> None:
        self._closed = True

    def check_open(self) -> None:
        """Raises `RunEndedError`."""
        if self._closed:
            raise RunEndedError(self._empty.run_id)

    def successor(self) -> "Journal":
        """A journal that goes on from what is stored; this one takes no more."""
        self.close()
        successor = Journal(self._empty.session_id, self._empty.run_id, self._empty.lease_seconds)
        successor._lock = self._lock
        if self._rewind:  # nothing is stored yet, and what was restored is not what stands at the history's end
            return successor
        for agent in self.stored_agents.values():
            successor.restored(agent, self.stored_tails.get(agent.agent_id))
        successor._next_ids |= self._stored_counts
        # What a guardrail took back stays taken back, however the run ends.
        successor._redactions = dict(self._redactions)
        if any(message_id == 0 for _, message_id in self._redactions):
            successor._redacted_preview = self._redacted_preview
        return successor

    def _written(self, agent_ids: set[str], outcome: RunOutcome | None) -> tuple[AgentRecord, ...]:
        agents = [self._agents[agent_id] for agent_id in sorted(agent_ids)]
        return tuple(agent if outcome else mark_open(agent) for agent in agents)

    def _to_mark(self, with_messages: set[str], outcome: RunOutcome | None) -> set[str]:
        """Stored agents that get their mark with their messages, or lose it as the run ends."""
        stored = self.stored_agents.items()
        if outcome:
            return {agent_id for agent_id, agent in stored if is_open(agent)}
        return {agent_id for agent_id, agent in stored if agent_id in with_messages and not is_open(agent)}

    def _replace(self, message: AgentMessage) -> None:
        place = message.agent_id, message.record.message_id
        for position, gathered in enumerate(self._messages):
            if (gathered.agent_id, gathered.record.message_id) == place:
                self._messages[position] = message
                return
        self._redactions[place] = message

    def _forget(self, written: RunWrite) -> None:
        """What was written, and was not changed since."""
        for agent in (*written.created_agents, *written.updated_agents):
            self._created.discard(agent.agent_id)
            self._updated.discard(agent.agent_id)
            if unmark(agent) != unmark(self._agents[agent.agent_id]):
                self._updated.add(agent.agent_id)
        _discard_same(self._redactions, {(each.agent_id, each.record.message_id): each for each in written.redactions})
        for before, now in zip(written.messages, self._messages, strict=False):
            if now is not before:  # redacted on its way
                self._redactions[now.agent_id, now.record.message_id] = now
        del self._messages[: len(written.messages)]
        _discard_same(self._multi_agents, {state.multi_agent_id: state for state in written.multi_agents})
        _discard_same(self._values, {value.key: value for value in written.values})
        self._preview = None if self._preview == written.preview else self._preview
        self._title = None if self._title == written.title else self._title
        if self._redacted_preview == written.redacted_preview:
            self._redacted_preview = None


def _discard_same(gathered: dict[Key, Value], written: dict[Key, Value]) -> None:
    for key, value in written.items():
        if gathered.get(key) is value:
            del gathered[key]
