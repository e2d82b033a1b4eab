"""How an agent's state changes during a turn, for a frontend that shows it."""

from typing import TYPE_CHECKING, Any

from strands import Agent

from turns.events import StateDelta, StateSnapshot

if TYPE_CHECKING:
    from turns.agents import BuiltAgent


class StateChanges:
    """Of a Graph or a Swarm, which has no state of its own, there are none."""

    def __init__(self, built: "BuiltAgent") -> None:
        self._state = built.state if isinstance(built, Agent) else None
        self._seen: dict[str, Any] = self._state.get() if self._state else {}
        self.snapshot = StateSnapshot(self._seen)

    def take(self) -> StateDelta | None:
        """What has changed since the last call, or since the snapshot."""
        now: dict[str, Any] = self._state.get() if self._state else {}
        if now == self._seen:
            return None
        from jsonpatch import make_patch  # only where a tool changes the state: functions start cold

        operations: list[dict[str, Any]] = make_patch(self._seen, now).patch
        self._seen = now
        return StateDelta(operations)
