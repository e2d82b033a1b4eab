"""What `build_agent` is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strands.models.model import Model
from strands.session.session_manager import SessionManager

if TYPE_CHECKING:
    from session_store import PostgreSQLMemoryStore, PostgreSQLStorage


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. owner: the verified caller, to whom the session belongs.

    end_user: on whose behalf a service asks. claims: of the caller's verified token; empty for IAM callers.
    """

    owner: str
    end_user: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """One turn to build an agent for.

    session_manager: restores the conversation and stores the turn; for the one agent, Graph or Swarm that is returned.
    agent_id: under which the session keeps that agent. metadata: what the client sent along, unverified.

    Tools have the turn as `tool_context.invocation_state["turn"]`, and its caller as `["caller"]`.
    """

    session_manager: SessionManager
    agent_id: str
    caller: Caller
    session_id: str
    run_id: str
    load_model: Callable[[], Model]
    open_storage: Callable[[], "PostgreSQLStorage"]
    open_memory: Callable[[], "PostgreSQLMemoryStore"]
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    set_title: Callable[[str], None] = lambda _: None

    @property
    def model(self) -> Model:
        """The process's model, as `MODEL_PROVIDER` and `MODEL_ID` name it. Raises `ConfigurationError`."""
        return self.load_model()

    @property
    def storage(self) -> "PostgreSQLStorage":
        """Strands' `Storage` under the turn's lease: for snapshots, and for what a context manager offloads."""
        return self.open_storage()

    @property
    def memory(self) -> "PostgreSQLMemoryStore":
        """What is known about the caller from other sessions: `memory_manager=MemoryManager(stores=[turn.memory])`."""
        return self.open_memory()
