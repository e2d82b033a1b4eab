"""The repository that a run gives to its session manager: reads what begin brought, gathers what is written."""

from typing import TYPE_CHECKING, Any

from strands.session.session_repository import SessionRepository
from strands.types.session import Session, SessionAgent, SessionMessage

from .conversion import agent_of, agent_record, message_of, message_record, session_of
from .encoding import decode, encode, preview_of
from .errors import AlreadyExistsError, MessageNotFoundError, SessionNotFoundError
from .history import closing_messages
from .identifiers import checked
from .interrupts import find_interrupts
from .journal import Journal
from .records import BegunRun, MultiAgentRecord
from .store import Store

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentBase


class RunRepository(SessionRepository):
    """One session's repository for the length of a run.

    Values are serialized at once, since Strands goes on changing its message dicts. Other agents of the session than
    the run's own are read from the store when asked for.
    """

    def __init__(self, store: Store, owner: str, agent_id: str, begun: BegunRun, journal: Journal) -> None:
        self._store = store
        self._owner = owner
        self._session = begun.session
        self._journal = journal
        self._agent_id = agent_id
        self._agent = begun.agent and agent_of(begun.agent)
        self._messages = [message_of(record) for record in begun.messages]
        next_message_id = begun.agent.message_count if begun.agent else 0
        self._first_message_id = begun.messages[0].message_id if begun.messages else next_message_id
        if begun.agent:
            journal.restored(begun.agent, begun.messages[-1] if begun.messages else None)
            self._close_interrupted_turn()

    @property
    def restored_message_count(self) -> int:
        return len(self._messages)

    @property
    def interrupts(self) -> dict[str, Any]:
        """The interrupts that wait for a human's answer, by id, as Strands keeps them; empty when none does."""
        return find_interrupts(self._agent._internal_state) if self._agent else {}  # pyright: ignore[reportPrivateUsage]

    @property
    def conversation_manager_state(self) -> dict[str, Any] | None:
        return self._agent.conversation_manager_state if self._agent else None

    def replace_conversation_manager_state(self, state: dict[str, Any]) -> None:
        """For an agent whose conversation manager is another one than was stored."""
        if self._agent:
            self._agent.conversation_manager_state = state

    def create_session(self, session: Session, **kwargs: Any) -> Session:
        raise AlreadyExistsError("session", session.session_id)

    def read_session(self, session_id: str, **kwargs: Any) -> Session | None:
        if session_id != self._session.session_id:
            raise SessionNotFoundError(session_id)
        return session_of(self._session)

    def create_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        self._journal.create_agent(agent_record(session_agent))

    def read_agent(self, session_id: str, agent_id: str, **kwargs: Any) -> SessionAgent | None:
        if agent_id == self._agent_id:
            return self._agent
        record = self._store.agents.read(self._owner, session_id, checked("agent_id", agent_id))
        if record:
            self._journal.restored(record, None)
        return agent_of(record) if record else None

    def update_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        self._journal.update_agent(agent_record(session_agent))

    def create_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any) -> None:
        session_message.message_id = self._append(agent_id, session_message)

    def read_message(self, session_id: str, agent_id: str, message_id: int, **kwargs: Any) -> SessionMessage | None:
        gathered = self._journal.find(agent_id, message_id)
        record = gathered or self._store.messages.read(self._owner, session_id, agent_id, message_id)
        return message_of(record) if record else None

    def update_message(self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any) -> None:
        if not self._journal.knows(agent_id) or session_message.message_id >= self._journal.next_message_id(agent_id):
            raise MessageNotFoundError(session_message.message_id)
        record = message_record(session_message)
        self._journal.redact(agent_id, record, lambda: preview_of(session_message.to_message()))

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **kwargs: Any
    ) -> list[SessionMessage]:
        messages = self._messages
        if agent_id != self._agent_id or offset < self._first_message_id:
            records = self._store.messages.list(self._owner, session_id, agent_id, from_message_id=offset)
            later = messages[len(messages) - self._repairs :] if agent_id == self._agent_id and self._repairs else []
            messages = [message_of(record) for record in records] + later
        held = [message for message in messages if message.message_id >= offset]
        return held if limit is None else held[:limit]

    def create_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **kwargs: Any) -> None:
        self.update_multi_agent(session_id, multi_agent)

    def read_multi_agent(self, session_id: str, multi_agent_id: str, **kwargs: Any) -> dict[str, Any] | None:
        state = self._store.multi_agents.read(self._owner, session_id, checked("multi_agent_id", multi_agent_id))
        return None if state is None else decode(state)

    def update_multi_agent(self, session_id: str, multi_agent: "MultiAgentBase", **kwargs: Any) -> None:
        state = encode("state", multi_agent.serialize_state())
        self._journal.save_multi_agent(MultiAgentRecord(checked("multi_agent_id", multi_agent.id), state))

    def _append(self, agent_id: str, message: SessionMessage) -> int:
        record = message_record(message)
        return self._journal.append(agent_id, record, lambda: preview_of(message.to_message()))

    def _close_interrupted_turn(self) -> None:
        """A killed run left its last turn open: close it in what is restored and in what will be written."""
        self._repairs = 0
        if self.interrupts or not self._messages:
            return
        for message in closing_messages(dict(self._messages[-1].to_message())):
            repair = SessionMessage.from_message(message, 0)  # pyright: ignore[reportArgumentType]
            repair.message_id = self._append(self._agent_id, repair)
            self._messages.append(repair)
            self._repairs += 1
