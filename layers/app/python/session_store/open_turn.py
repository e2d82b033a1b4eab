"""The mark of an agent whose turn is open: a member of its internal state, which Strands passes over."""

from .records import AgentRecord

OPEN_TURN = "session_store.open_turn"
_MEMBER = f'"{OPEN_TURN}":true'


def mark_open(agent: AgentRecord) -> AgentRecord:
    """Agents that keep no internal state, as those of a voice, have no turns."""
    if agent.internal_state == "{}" or is_open(agent):
        return agent
    return agent._replace(internal_state=f"{{{_MEMBER},{agent.internal_state[1:]}")


def is_open(agent: AgentRecord) -> bool:
    return agent.internal_state.startswith(f"{{{_MEMBER},")


def unmark(agent: AgentRecord) -> AgentRecord:
    return agent._replace(internal_state="{" + agent.internal_state[len(_MEMBER) + 2 :]) if is_open(agent) else agent
