"""What the agent is, as its callers are shown it."""

from typing import Any

from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on


class ToolDescription(TypedDict):
    """As the model is given it; `input_schema` is a JSON Schema."""

    name: str
    description: str
    input_schema: dict[str, Any]


class AgentPart(TypedDict):
    """The agent, or one of a Graph or a Swarm with its node. `system_prompt` is null where it is not shown."""

    node: str | None
    name: str
    description: str | None
    provider: str
    model_id: str
    tools: list[ToolDescription]
    system_prompt: str | None


class AgentDescription(TypedDict):
    """`suggestions`: what one may ask first."""

    agent_id: str
    agents: list[AgentPart]
    suggestions: list[str]
