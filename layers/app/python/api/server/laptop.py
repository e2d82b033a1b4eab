"""What a server lacks on a laptop, where this repository's `local/` provides it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pkgutil import resolve_name

from session_store.errors import ConfigurationError

PROVIDER = "local.laptop:complete_environment"
LOCAL_MODEL = "local"


def complete_environment(
    environment: Mapping[str, str], *, has_agent: bool
) -> AbstractContextManager[Mapping[str, str]]:
    """With an embedded database where none is named, and with the small model where it is named or nothing else is.

    Both only in a checkout. Raises `ConfigurationError`.
    """
    has_store, provider = bool(environment.get("SESSION_BACKEND_URL")), environment.get("MODEL_PROVIDER")
    is_model_missing = not has_store if not provider else provider == LOCAL_MODEL
    with_model = has_agent and is_model_missing and not environment.get("LOCAL_MODEL_URL")
    if has_store and not with_model:
        return nullcontext(environment)
    if find_spec("local") is not None:
        return resolve_name(PROVIDER)(environment, with_model=with_model)
    if has_store:
        return nullcontext(environment)
    raise ConfigurationError("SESSION_BACKEND_URL must name the database, postgresql://…, or a session backend")
