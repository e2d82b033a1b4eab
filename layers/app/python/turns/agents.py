"""The agents of what `build_agent` returns: one, or those in the nodes of a Graph or a Swarm.

Nodes may be agents that an application keeps for the life of its process, so a turn leaves nothing behind in them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from weakref import ReferenceType, WeakKeyDictionary, ref

from strands import Agent

from session_store.agent_trace import CALL_EVENTS, CallEvent, source_of
from turns.agent_turn import AgentTurn

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentBase

    BuiltAgent = Agent | MultiAgentBase
    BuildAgent = Callable[[AgentTurn], BuiltAgent]


class Part(NamedTuple):
    """node: None for what is no node itself; a node's own nodes are named behind a slash, as its events name them."""

    node: str | None
    source: Any


def parts_in(built: Any, node: str | None = None) -> Iterator[Part]:
    """The agents, and each Graph or Swarm that they are in."""
    if hasattr(built, "hooks"):  # not a node that calls an agent elsewhere
        yield Part(node, built)
    for name, inner in cast(dict[str, Any], getattr(built, "nodes", {})).items():
        yield from parts_in(inner.executor, f"{node}/{name}" if node else name)


class Listener(Protocol):
    def take_call(self, event: CallEvent) -> None: ...


# Listeners know their agents, so one that was held here would keep its agent, and with it its own entry, for good.
_listeners: WeakKeyDictionary[object, ReferenceType[Listener]] = WeakKeyDictionary()


def listen(source: Any, listener: Listener) -> None:
    """Call `listener` from now on, in place of the one before: Strands' hooks cannot be taken back."""
    if source not in _listeners:
        for event_type in CALL_EVENTS:
            source.hooks.add_callback(event_type, _tell_listener)
    _listeners[source] = ref(listener)


def _tell_listener(event: CallEvent) -> None:
    if listener := _listeners[source_of(event)]():
        listener.take_call(event)
