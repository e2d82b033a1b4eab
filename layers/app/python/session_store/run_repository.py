"""The repository that a run gives to its session manager: reads what begin brought, gathers what is written."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from strands.agent.agent import Agent
from strands.session.session_repository import SessionRepository
from strands.types.content import Message, _ensure_tracking_id  # pyright: ignore[reportPrivateUsage]
from strands.types.session import Session, SessionAgent, SessionMessage

from ._window import read_window
from .conversion import agent_of, agent_record, message_of, message_record, messages_of, multi_agent_state, session_of
from .encoding import encode, preview_of
from .errors import AlreadyExistsError, MessageNotFoundError, MessageRedactedError, SessionNotFoundError
from .history import own_message
from .identifiers import checked, checked_number
from .journal import Journal
from .kept_messages import compare
from .records import AgentRecord, BegunRun, MessageRecord, MultiAgentRecord
from .repair import close_answered_elsewhere, repair_agent
from .run_agent import RunAgent
from .run_multi_agents import RunMultiAgents
from .store import Store

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentBase


class RunRepository(SessionRepository):
    """One session's repository for the length of a run.

    Values are serialized at once, since Strands goes on changing its message dicts. Other agents of the session than
    the run's own are read from the store when asked for. A turn that a run left open is closed as its agent is read,
    in what is restored and in what will be written.
    """

    def __init__(self, store: Store, owner: str, agent_id: str, begun: BegunRun, journal: Journal) -> None:
        self._store = store
        self._owner = owner
        self._session = begun.session
        self._journal = journal
        self._agent_id = agent_id
        self._agents: dict[str, RunAgent] = {}
        self._messages: Sequence[SessionMessage] = ()
        self._first_message_id = begun.agent.message_count if begun.agent else 0
        self.restored_message_count = len(begun.messages)
        self.multi_agents = RunMultiAgents()
        if begun.agent:
            self._restore(begun.agent, begun.messages[-1] if begun.messages else None)
            self._messages = self._restored_messages(agent_id, begun.messages)
        if begun.messages:
            self._first_message_id = begun.messages[0].message_id

    @property
    def interrupts(self) -> dict[str, Any]:
        """The interrupts that wait for a human's answer, by id, as Strands keeps them; empty when none does."""
        own = self._agents.get(self._agent_id)
        return (own.waiting_interrupts if own else {}) | self.multi_agents.waiting_interrupts

    @property
    def answered_interrupts(self) -> list[str]:
        """The ids of interrupts that were answered lately, oldest first."""
        own = self._agents.get(self._agent_id)
        return (own.answered_interrupts if own else []) + self.multi_agents.answered_interrupts

    def check_open(self) -> None:
        """Raises `RunEndedError`: nothing is gathered any more."""
        self._journal.check_open()

    def agent(self, agent_id: str) -> RunAgent:
        if agent_id not in self._agents:
            self._agents[agent_id] = RunAgent()
        return self._agents[agent_id]

    def hold(self, agent: Agent, *, contents: bool) -> None:
        """Take down what the agent holds now as what the next turn restores.

        contents: whether to look for messages that were changed since they were stored; long histories take time.
        """
        if not agent.model.stateful:  # its conversation is where its model is
            own, next_id = self.agent(agent.agent_id), self._journal.next_message_id(agent.agent_id)
            changed = None if contents else own.messages.changed
            own.keep(agent.agent_id, compare(agent.messages, own.known, next_id, changed))
            agent.conversation_manager.removed_message_count = own.messages.first_id
        self.update_agent(self._session.session_id, SessionAgent.from_agent(agent))

    def append_exchange(self, prompt: str | None, answer: Message | None) -> None:
        """As messages of the run's own agent, of which no later run restores any, unless it was an agent before."""
        own = self.agent(self._agent_id).restored
        if own is None:
            own = SessionAgent(self._agent_id, {}, {})
            self.create_agent(self._session.session_id, own)
        for message in (own_message("user", {"text": prompt}) if prompt else None, answer):
            if message:
                _ensure_tracking_id(cast(Message, message))
                self._append(self._agent_id, SessionMessage.from_message(cast(Message, message), 0))
        if "__name__" not in own.conversation_manager_state:
            next_id = self._journal.next_message_id(self._agent_id)
            own.conversation_manager_state = {"removed_message_count": next_id}
            self.update_agent(self._session.session_id, own)

    def create_session(self, session: Session, **kwargs: Any) -> Session:
        raise AlreadyExistsError("session", session.session_id)

    def read_session(self, session_id: str, **kwargs: Any) -> Session | None:
        if session_id != self._session.session_id:
            raise SessionNotFoundError(session_id)
        return session_of(self._session)

    def create_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        own = self.agent(checked("agent_id", session_agent.agent_id))
        self._journal.create_agent(agent_record(own.describe(session_agent)))

    def read_agent(self, session_id: str, agent_id: str, **kwargs: Any) -> SessionAgent | None:
        if checked("agent_id", agent_id) == self._agent_id or agent_id in self._agents:
            return self.agent(agent_id).restored
        record = self._store.agents.read(self._owner, checked("session_id", session_id), agent_id)
        return self._restore(record) if record else None

    def update_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        record = agent_record(self.agent(session_agent.agent_id).describe(session_agent))
        if not _is_same(record, self._journal.agent(record.agent_id)):
            self._journal.update_agent(record)

    def create_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any) -> None:
        session_message.message_id = self._append(agent_id, session_message)

    def read_message(self, session_id: str, agent_id: str, message_id: int, **kwargs: Any) -> SessionMessage | None:
        ids = checked("session_id", session_id), checked("agent_id", agent_id)
        gathered = self._journal.find(agent_id, checked_number("message_id", message_id))
        record = gathered or self._store.messages.read(self._owner, *ids, message_id)
        return message_of(record) if record else None

    def update_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any) -> None:
        record = message_record(session_message)
        if not self._journal.knows(agent_id) or record.message_id >= self._journal.next_message_id(agent_id):
            raise MessageNotFoundError(record.message_id)
        if record.redact_message is None and self.agent(agent_id).known.is_redacted(record.message_id):
            raise MessageRedactedError(record.message_id)
        self._journal.redact(agent_id, record, lambda: preview_of(session_message.to_message()))
        self.agent(agent_id).known.add([session_message], [record.message])

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **kwargs: Any
    ) -> list[SessionMessage]:
        ids = checked("session_id", session_id), checked("agent_id", agent_id)
        start, count = checked_number("offset", offset), None if limit is None else checked_number("limit", limit)
        messages = self._messages
        if agent_id != self._agent_id or start < self._first_message_id:
            records = read_window(self._store.messages, self._owner, *ids, start)
            messages = self._restored_messages(agent_id, records)
        return [message for message in messages if message.message_id >= start][:count]

    def create_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **kwargs: Any) -> None:
        self.update_multi_agent(session_id, multi_agent)

    def read_multi_agent(self, session_id: str, multi_agent_id: str, **kwargs: Any) -> dict[str, Any] | None:
        state = self._store.multi_agents.read(self._owner, session_id, checked("multi_agent_id", multi_agent_id))
        if state is None:
            return None
        return self.multi_agents.restore(multi_agent_id, multi_agent_state(multi_agent_id, state))

    def update_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **kwargs: Any) -> None:
        state = encode("state", self.multi_agents.describe(multi_agent.id, multi_agent.serialize_state()))
        self._journal.save_multi_agent(MultiAgentRecord(checked("multi_agent_id", multi_agent.id), state))

    def _append(self, agent_id: str, message: SessionMessage) -> int:
        record = message_record(message)
        message.message_id = self._journal.append(agent_id, record, lambda: preview_of(message.to_message()))
        self.agent(agent_id).known.add([message], [record.message])
        return message.message_id

    def _restored_messages(self, agent_id: str, records: Sequence[MessageRecord]) -> list[SessionMessage]:
        own, messages = self.agent(agent_id), messages_of(records)
        own.restore(messages, [record.message for record in records])
        return messages + own.repairs

    def _restore(self, record: AgentRecord, tail: MessageRecord | None = None) -> SessionAgent:
        agent = agent_of(record)
        if agent._internal_state.get("interrupt_state") == {}:  # pyright: ignore[reportPrivateUsage]
            del agent._internal_state["interrupt_state"]  # pyright: ignore[reportPrivateUsage]
        self._journal.restored(record, tail)
        own = self._agents[record.agent_id] = RunAgent(agent)
        if record.agent_id != self._agent_id:
            close_answered_elsewhere(agent, self.interrupts, self.answered_interrupts)
        closing = repair_agent(agent, lambda: self._tail(record))
        for message in closing or ():
            repair = SessionMessage.from_message(message, 0)
            self._append(record.agent_id, repair)
            own.repairs.append(repair)
        if closing is not None:
            self.update_agent(self._session.session_id, agent)
        return agent

    def _tail(self, agent: AgentRecord) -> Message | None:
        """The last stored message; a window need not hold it."""
        tails, newest = self._journal.stored_tails, agent.message_count - 1
        if agent.agent_id not in tails and newest >= 0:
            session_id = self._session.session_id
            (tails[agent.agent_id],) = self._store.messages.list(
                self._owner, session_id, agent.agent_id, from_message_id=newest
            )
        tail = tails.get(agent.agent_id)
        return message_of(tail).to_message() if tail else None


def _is_same(agent: AgentRecord, known: AgentRecord | None) -> bool:
    return known is not None and agent == known._replace(
        created_at=agent.created_at, updated_at=agent.updated_at, message_count=agent.message_count
    )
