"""What a laptop has in place of Aurora and Bedrock: a database and a model that need no account.

`api.server.laptop` finds `complete_environment` by its name; neither the wheel nor the image has this folder.
"""

import contextlib
import logging
from collections.abc import Generator, Mapping
from dataclasses import replace

import psycopg

from local.database import DatabaseError, EmbeddedDatabase
from local.model import LocalModel, LocalModelError
from session_store.connection import connect
from session_store.errors import ConfigurationError
from session_store.migrate import apply_migrations
from session_store.settings import StoreSettings

DEFAULT_MODEL_PROVIDER = "local"
OF_THE_DEVELOPER = {"LOG_ERROR_WORDS": "true", "SHOW_SYSTEM_PROMPT": "true"}
"""On this machine what was said and what the agent is told are the developer's own."""

logger = logging.getLogger("local")


class StackError(RuntimeError):
    """The local stack cannot start; the message says why and what to do."""


@contextlib.contextmanager
def complete_environment(environment: Mapping[str, str], *, with_model: bool) -> Generator[dict[str, str]]:
    """The environment with a database, where it names none, and the small model, where it names no other.

    Raises `ConfigurationError`.
    """
    with contextlib.ExitStack() as parts:
        completed = {**OF_THE_DEVELOPER, **environment}
        try:
            if not environment.get("SESSION_BACKEND_URL"):
                completed["SESSION_BACKEND_URL"] = start_database(parts, environment)
            if with_model:
                completed |= start_model(parts, environment)
        except (StackError, DatabaseError, LocalModelError) as error:
            raise ConfigurationError(str(error)) from error
        yield completed


def start_database(parts: contextlib.ExitStack, environment: Mapping[str, str]) -> str:
    """The URL of the migrated database: the embedded one, unless the environment names another."""
    configured_url = environment.get("SESSION_BACKEND_URL")
    settings = StoreSettings.from_environment(environment)
    if configured_url and not settings.is_postgresql:
        raise StackError(
            "SESSION_BACKEND_URL must begin with postgresql:// here: the local stack is itself the session backend"
        )
    url = configured_url or parts.enter_context(EmbeddedDatabase()).url
    try:
        with connect(replace(settings, url=url)) as connection:  # with the functions' own settings
            applied = apply_migrations(connection)
    except psycopg.Error as error:
        raise StackError(f"the database cannot be used: {error}") from error
    logger.info("PostgreSQL is ready%s", f", applied {', '.join(applied)}" if applied else "")
    return url


def start_model(parts: contextlib.ExitStack, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that name the model: the small one, unless the environment names another."""
    provider = environment.get("MODEL_PROVIDER") or DEFAULT_MODEL_PROVIDER
    chosen = {"MODEL_PROVIDER": provider}
    if provider != DEFAULT_MODEL_PROVIDER:
        _check_model(environment)
    elif not environment.get("LOCAL_MODEL_URL"):
        chosen["LOCAL_MODEL_URL"] = parts.enter_context(LocalModel()).url
    return chosen


def _check_model(environment: Mapping[str, str]) -> None:
    from agent.models import check_model  # Strands takes a second to import, and the default model does without

    check_model(environment)
