"""What the agent is: built as for a turn, and asked nothing."""

import uuid
from typing import TYPE_CHECKING, Any

from strands import Agent
from strands.session.session_manager import SessionManager

from session_store.agent_trace import model_name
from session_store.memory import PostgreSQLMemoryStore
from session_store.storage import PostgreSQLStorage
from session_store.store import Store
from turns.agent_description import AgentDescription, AgentPart, ToolDescription
from turns.agent_factory import load_model, load_suggestions
from turns.agent_turn import AgentTurn, Caller
from turns.agents import Part, parts_in

if TYPE_CHECKING:
    from turns.agents import BuildAgent


def describe_agent(build_agent: "BuildAgent", store: Store, caller: Caller, agent_id: str) -> AgentDescription:
    """For that caller, since `build_agent` may know who asks. Raises what it raises."""
    turn = AgentTurn(
        _NoSession(),
        agent_id,
        caller,
        uuid.uuid4().hex,
        str(uuid.uuid4()),
        load_model,
        lambda: PostgreSQLStorage(owner=caller.owner, store=store),
        lambda: PostgreSQLMemoryStore(owner=caller.owner, store=store),
    )
    built = build_agent(turn)
    try:
        agents = [_describe(part) for part in parts_in(built) if isinstance(part.source, Agent)]
        return {"agent_id": agent_id, "agents": agents, "suggestions": load_suggestions()}
    finally:
        if isinstance(built, Agent):
            built.cleanup()


class _NoSession(SessionManager):
    """Restores nothing, and keeps nothing."""

    def initialize(self, agent: Any, **kwargs: Any) -> None: ...

    def append_message(self, message: Any, agent: Any, **kwargs: Any) -> None: ...

    def redact_latest_message(self, redact_message: Any, agent: Any, **kwargs: Any) -> None: ...

    def sync_agent(self, agent: Any, **kwargs: Any) -> None: ...

    def initialize_multi_agent(self, source: Any, **kwargs: Any) -> None: ...

    def sync_multi_agent(self, source: Any, **kwargs: Any) -> None: ...


def _describe(part: Part) -> AgentPart:
    agent: Agent = part.source
    return {
        "node": part.node,
        "name": agent.name,
        "description": agent.description,
        "provider": _provider(agent.model),
        "model_id": model_name(agent.model),
        "tools": [_describe_tool(spec) for spec in agent.tool_registry.get_all_tool_specs()],
        "system_prompt": agent.system_prompt,
    }


def _describe_tool(spec: Any) -> ToolDescription:
    schema = spec["inputSchema"]
    return {
        "name": spec["name"],
        "description": spec["description"],
        "input_schema": schema.get("json", schema),
    }


def _provider(model: Any) -> str:
    """`bedrock` for Strands' own class; of another one, where it is defined."""
    module = type(model).__module__
    return module.removeprefix("strands.models.")
