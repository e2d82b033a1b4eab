"""The functions' own settings: each switch becomes a variable, and `api.settings` says what it accepts."""

from typing import Self

from pydantic import BaseModel, model_validator

from api.settings import Settings as FunctionSettings
from session_store.errors import ConfigurationError

# A switch's variable is its name in capitals, except for these.
_VARIABLES = {"log_level": "POWERTOOLS_LOG_LEVEL"}
_OF_EVERY_FUNCTION = {"SESSION_BACKEND_URL": "postgresql://database"}


class ServiceSwitches(BaseModel):
    max_prompt_characters: int | None = None
    max_body_bytes: int | None = None
    max_json_depth: int | None = None
    page_size: int | None = None
    max_page_size: int | None = None
    run_timeout_seconds: int | None = None
    streaming_run_timeout_seconds: int | None = None
    session_ttl_days: int | None = None
    run_ttl_hours: int | None = None
    rewind_ttl_hours: int | None = None
    search: str | None = None
    search_language: str | None = None
    expire_batch_size: int | None = None
    owner_runs_per_minute: int | None = None
    owner_tokens_per_day: int | None = None
    resumable_streams: bool | None = None
    agent_factory: str | None = None
    agent_id: str | None = None
    database_schema: str | None = None
    show_system_prompt: bool | None = None
    model_prices: str | None = None
    caller_by: str | None = None
    cors_origins: str | None = None
    log_error_words: bool | None = None
    log_level: str | None = None
    tracing: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """Of every function, by name; what no switch sets has the functions' own default."""
        given = {name: getattr(self, name) for name in ServiceSwitches.model_fields if name != "tracing"}
        variables = {_VARIABLES.get(n, n.upper()): _dump(value) for n, value in given.items() if value is not None}
        return variables | {"POWERTOOLS_TRACE_DISABLED": _dump(not self.tracing)}

    @property
    def origins(self) -> list[str]:
        """Of other pages that may call."""
        return list(FunctionSettings.from_environment(_OF_EVERY_FUNCTION | self.variables).cors_origins)

    @model_validator(mode="after")
    def _refuse_what_the_functions_refuse(self) -> Self:
        try:
            FunctionSettings.from_environment(_OF_EVERY_FUNCTION | self.variables)
        except ConfigurationError as error:
            name, _, rest = str(error).partition(" ")
            raise ValueError(f"{name.removeprefix('POWERTOOLS_').lower()} {rest}") from None
        return self


def _dump(value: int | str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
