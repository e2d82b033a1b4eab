"""Finds the function that builds a turn's agent."""

from inspect import signature
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from strands.models.model import Model

from session_store.errors import ConfigurationError

if TYPE_CHECKING:
    from turns.agents import BuildAgent

CONFIGURED_MODEL = "agent.models:configured_model"
SUGGESTIONS = "agent.prompts:SUGGESTIONS"


def load_agent_factory(name: str) -> "BuildAgent":
    """The function of `package.module:function`. Raises `ConfigurationError`.

    One that takes a `session_manager` gets that of the turn.
    """
    factory = _resolve(name)
    if "session_manager" in signature(factory).parameters:
        return lambda turn: factory(session_manager=turn.session_manager)
    return factory


def load_model() -> Model:
    return _resolve(CONFIGURED_MODEL)()


def load_suggestions() -> list[str]:
    """What one may ask the agent; nothing where `agent/prompts.py` has no such list."""
    try:
        return list(resolve_name(SUGGESTIONS))
    except (ImportError, AttributeError):
        return []


def _resolve(name: str) -> Any:
    try:
        function = resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"AGENT_FACTORY={name!r} cannot be imported: {error}") from error
    if not callable(function):
        raise ConfigurationError(f"AGENT_FACTORY={name!r} is no function")
    return function
