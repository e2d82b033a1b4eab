"""`PostgreSQLSessionRepository` call by call, as Strands' managers and their users make them."""

from dataclasses import replace
from typing import Any

import pytest
from strands.multiagent.base import MultiAgentBase
from strands.types.exceptions import SessionException
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from session_store.encoding import encode
from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    InvalidIdentifierError,
    InvalidInputError,
    MessageNotFoundError,
    RunNotFoundError,
    SessionNotFoundError,
)
from session_store.repository import PostgreSQLSessionRepository
from session_store.store import Store
from tests.contract.transport import Transport

Repository = PostgreSQLSessionRepository


def said(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": [{"text": text}]}


def message_of(text: str, message_id: int) -> SessionMessage:
    return SessionMessage.from_message(said(text), message_id)  # pyright: ignore[reportArgumentType]


def agent_of(agent_id: str = "default", removed: int = 0, **state: Any) -> SessionAgent:
    manager = {"__name__": "SlidingWindowConversationManager", "removed_message_count": removed}
    return SessionAgent(agent_id, state, manager, _internal_state={"interrupt_state": {}})


def begin(repository: Repository, *texts: str, session_id: str = "user-123") -> None:
    repository.create_session(Session(session_id, SessionType.AGENT))
    repository.create_agent(session_id, agent_of())
    for number, text in enumerate(texts):
        repository.create_message(session_id, "default", message_of(text, number))


def texts_of(repository: Repository, session_id: str = "user-123", **position: int) -> list[str]:
    messages = repository.list_messages(session_id, "default", **position)
    return [message.to_message()["content"][0].get("text", "") for message in messages]


def test_a_session_is_created_and_read(repository: Repository) -> None:
    session = Session("user-123", SessionType.AGENT)
    assert repository.create_session(session) is session
    assert repository.read_session("user-123") == session
    assert repository.read_session("nobody") is None
    with pytest.raises(AlreadyExistsError):
        repository.create_session(session)


def test_an_agent_is_created_read_and_updated_and_keeps_when_it_was_created(repository: Repository) -> None:
    begin(repository)
    created = repository.read_agent("user-123", "default")
    assert created
    assert created.state == {}
    assert repository.read_agent("user-123", "nobody") is None
    changed = agent_of(count=2)
    assert changed.created_at != created.created_at
    repository.update_agent("user-123", changed)
    stored = repository.read_agent("user-123", "default")
    assert stored
    assert (stored.state, stored.created_at) == ({"count": 2}, created.created_at)
    assert (stored.updated_at, stored._internal_state) == (changed.updated_at, {"interrupt_state": {}})
    with pytest.raises(AgentNotFoundError):
        repository.update_agent("user-123", agent_of("nobody"))


def test_messages_are_created_read_and_listed(repository: Repository) -> None:
    begin(repository, *"abcd")
    read = repository.read_message("user-123", "default", 1)
    assert read
    assert (read.message_id, read.to_message()) == (1, said("b"))
    assert repository.read_message("user-123", "default", 9) is None
    assert texts_of(repository) == ["a", "b", "c", "d"]
    assert texts_of(repository, limit=2) == ["a", "b"]
    assert texts_of(repository, limit=2, offset=1) == ["b", "c"]
    assert texts_of(repository, offset=3) == ["d"]
    assert texts_of(repository, offset=4) == []
    assert texts_of(repository, limit=0) == []


def test_more_messages_than_a_page_holds_are_listed(repository: Repository, transport: Transport, owner: str) -> None:
    begin(repository, "first")
    transport.rows(
        """
        WITH place AS (
            SELECT session_key FROM sessions JOIN agents USING (session_key) WHERE owner = %s
        ), counted AS (
            UPDATE agents SET message_count = 2500 FROM place WHERE agents.session_key = place.session_key
        )
        INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at)
        SELECT session_key, 'default', n, ('{"role":"user","content":[{"text":"' || n || '"}]}')::json,
               '2026-11-22', '2026-11-22'
        FROM place, generate_series(1, 2499) n
        RETURNING message_id
        """,
        transport.owner_prefix + owner,
    )
    assert texts_of(repository) == ["first", *map(str, range(1, 2500))]
    assert texts_of(repository, limit=1500, offset=10) == [*map(str, range(10, 1510))]


@pytest.mark.parametrize("position", [{"limit": -1}, {"offset": -1}])
def test_a_position_is_not_negative(repository: Repository, position: dict[str, int]) -> None:
    begin(repository)
    with pytest.raises(InvalidInputError):
        repository.list_messages("user-123", "default", **position)


def test_what_was_redacted_is_in_no_row_any_more(repository: Repository, transport: Transport) -> None:
    secret = "4929-1234-5678"
    begin(repository, f"my card is {secret}")
    message = repository.read_message("user-123", "default", 0)
    assert message
    message.redact_message = said("[gone]")  # pyright: ignore[reportAttributeAccessIssue]
    repository.update_message("user-123", "default", message)
    assert texts_of(repository) == ["[gone]"]
    assert repository.list_sessions().sessions[0].preview == "[gone]"
    for table in ("sessions", "agents", "messages", "multi_agents", "runs"):
        statement = f"SELECT 1 FROM {table} t WHERE t::text LIKE %s"  # noqa: S608 - from the list above
        assert not transport.rows(statement, f"%{secret}%"), table
    with pytest.raises(MessageNotFoundError):
        repository.update_message("user-123", "default", message_of("x", 1))


def test_what_was_redacted_leaves_its_copies_in_the_states_too(repository: Repository, transport: Transport) -> None:
    secret = 'my card is "4929-1234-5678", käse \x00'
    begin(repository, secret, "yes")
    copy = {"kept": {"before": [{**said(secret), "tracking_id": "t"}]}, "prompt": secret, "said": "yes"}
    keeper = SessionAgent("keeper", {"copy": copy}, {"summary_message": said(secret)}, _internal_state={"copy": copy})
    repository.create_agent("user-123", keeper)
    repository.store.multi_agents.create(repository._owner, "user-123", "graph", encode("state", {"task": [secret]}))
    for message_id in (0, 1):
        message = repository.read_message("user-123", "default", message_id)
        assert message
        message.redact_message = said("[gone]")  # pyright: ignore[reportAttributeAccessIssue]
        repository.update_message("user-123", "default", message)
    kept = repository.read_agent("user-123", "keeper")
    assert kept
    gone = {"kept": {"before": [{**said("[gone]"), "tracking_id": "t"}]}, "prompt": "[gone]", "said": "yes"}
    assert kept.state == kept._internal_state == {"copy": gone}
    assert kept.conversation_manager_state == {"summary_message": said("[gone]")}
    assert repository.read_multi_agent("user-123", "graph") == {"task": ["[gone]"]}
    for table in ("agents", "messages", "multi_agents"):
        statement = f"SELECT 1 FROM {table} t WHERE t::text LIKE %s"  # noqa: S608 - from the list above
        assert not transport.rows(statement, "%4929-1234-5678%"), table


def test_a_message_counted_from_0_again_is_stored_behind_the_last(repository: Repository) -> None:
    """Strands' manager counts so when its conversation manager has removed more than is stored."""
    begin(repository, *"ab")
    repository.update_agent("user-123", agent_of(removed=7))
    message = message_of("c", 0)
    repository.create_message("user-123", "default", message)
    assert message.message_id == 2
    repeated = replace(message, message_id=0)
    with pytest.raises(AlreadyExistsError):
        repository.create_message("user-123", "default", repeated)
    assert texts_of(repository) == ["a", "b", "c"]


def test_a_session_is_listed_and_deleted_and_leaves_its_neighbours(repository: Repository) -> None:
    for session_id in ("user-1", "user-10"):
        begin(repository, "Hello", session_id=session_id)
    assert [session.session_id for session in repository.list_sessions().sessions] == ["user-10", "user-1"]
    repository.delete_session("user-1")
    assert repository.read_session("user-1") is None
    assert texts_of(repository, "user-10") == ["Hello"]
    with pytest.raises(SessionNotFoundError):
        repository.delete_session("user-1")


class Orchestration(MultiAgentBase):
    """Any multi-agent, by what the repository reads of it."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.id = "orchestration"
        self.state = state

    async def invoke_async(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError

    def serialize_state(self) -> dict[str, Any]:
        return self.state

    def deserialize_state(self, payload: dict[str, Any]) -> None:
        raise NotImplementedError


def test_a_multi_agents_state_is_created_updated_and_read(repository: Repository) -> None:
    begin(repository)
    assert repository.read_multi_agent("user-123", "orchestration") is None
    repository.create_multi_agent("user-123", Orchestration({"task": [{"text": "x"}], "raw": b"\x00\xff"}))
    assert repository.read_multi_agent("user-123", "orchestration") == {"task": [{"text": "x"}], "raw": b"\x00\xff"}
    repository.update_multi_agent("user-123", Orchestration({"status": "completed"}))
    assert repository.read_multi_agent("user-123", "orchestration") == {"status": "completed"}


def test_two_owners_have_two_sessions_of_one_id(repository: Repository, store: Store, owner: str) -> None:
    begin(repository, "mine")
    other = PostgreSQLSessionRepository(owner=f"{owner}0", store=store)
    assert other.read_session("user-123") is None
    begin(other, "theirs")
    assert (texts_of(repository), texts_of(other)) == (["mine"], ["theirs"])
    other.delete_session("user-123")
    assert texts_of(repository) == ["mine"]


@pytest.mark.parametrize("identifier", ["", "a\nb", "a\x00b", "\ud800", "x" * 256])
def test_an_identifier_is_printable_and_short_enough(repository: Repository, identifier: str) -> None:
    with pytest.raises(InvalidIdentifierError, match="session_id"):
        repository.read_session(identifier)
    with pytest.raises(InvalidIdentifierError, match="agent_id"):
        repository.read_agent("user-123", identifier)
    with pytest.raises(InvalidIdentifierError, match="owner"):
        PostgreSQLSessionRepository(owner=identifier)


def test_every_error_is_one_of_strands_too(repository: Repository) -> None:
    with pytest.raises(SessionException) as caught:
        repository.create_agent("nobody", agent_of())
    assert isinstance(caught.value, SessionNotFoundError)
    assert caught.value.identifier == "nobody"


def test_an_unknown_run_is_neither_read_nor_cancelled(repository: Repository) -> None:
    for run_id in ("nonsense", "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(RunNotFoundError):
            repository.read_run(run_id)
        with pytest.raises(RunNotFoundError):
            repository.cancel_run(run_id)
