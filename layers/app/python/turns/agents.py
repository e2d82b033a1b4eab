"""The agents of what `build_agent` returns: one, or those in the nodes of a Graph or a Swarm."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from strands import Agent

from turns.agent_turn import AgentTurn

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentBase

    BuiltAgent = Agent | MultiAgentBase
    BuildAgent = Callable[[AgentTurn], BuiltAgent]


def agents_in(built: Any) -> Iterator[Agent]:
    if isinstance(built, Agent):
        yield built
    else:
        for node in cast(dict[str, Any], getattr(built, "nodes", {})).values():
            yield from agents_in(node.executor)
