"""The agents of what `build_agent` returns: one, or those in the nodes of a Graph or a Swarm.

Nodes may be agents that an application keeps for the life of its process, so a turn leaves nothing behind in them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import WeakKeyDictionary

from strands import Agent
from strands.hooks import AfterModelCallEvent, AfterToolCallEvent

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


class Listener(Protocol):
    def after_model_call(self, event: AfterModelCallEvent) -> None: ...

    def after_tool_call(self, event: AfterToolCallEvent) -> None: ...


_listeners: WeakKeyDictionary[Agent, Listener] = WeakKeyDictionary()


def listen(agent: Agent, listener: Listener) -> None:
    """Call `listener` from now on, in place of the one before: Strands' hooks cannot be taken back."""
    if agent not in _listeners:
        agent.add_hook(lambda event: _listeners[event.agent].after_model_call(event), AfterModelCallEvent)
        agent.add_hook(lambda event: _listeners[event.agent].after_tool_call(event), AfterToolCallEvent)
    _listeners[agent] = listener
