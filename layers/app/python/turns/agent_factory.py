"""Finds the function that builds a turn's agent."""

from pkgutil import resolve_name
from typing import cast

from session_store.errors import ConfigurationError
from turns.engine import BuildAgent


def load_agent_factory(name: str) -> BuildAgent:
    """The function of `package.module:function`. Raises `ConfigurationError`."""
    try:
        factory = resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"AGENT_FACTORY={name!r} cannot be imported: {error}") from error
    if not callable(factory):
        raise ConfigurationError(f"AGENT_FACTORY={name!r} is no function")
    return cast(BuildAgent, factory)
