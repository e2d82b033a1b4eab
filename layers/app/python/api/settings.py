"""Everything that the environment decides, read once when a process starts."""

import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, cast

from session_store.errors import ConfigurationError, InvalidInputError
from session_store.identifiers import checked
from session_store.settings import StoreSettings

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_MEBIBYTE = 1024 * 1024
_HOUR = 3600
# docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
MAXIMUM_EVENT_HOURS = 6


class ModelPrice(NamedTuple):
    """US dollars for a million tokens."""

    input: float
    output: float


@dataclass(frozen=True)
class Settings:
    """Limits and life times; the defaults fit API Gateway's and Lambda's own.

    max_body_bytes: below Lambda's 6 MB for an event, in which the body is one escaped string.
    run_timeout_seconds: below the 29 s after which API Gateway gives up; streaming: below Lambda's 900 s.
    session_ttl_days: None keeps sessions for ever.
    resumable_streams: keep what streams say for as long as their runs, for clients that have lost one.
    tracing: X-Ray segments of our own, when POWERTOOLS_TRACE_DISABLED is "false".
    otlp_endpoint: base URL of a collector for the spans of turns; otlp_headers_secret: the secret with its headers.
    agent_id: under which sessions keep the agent.
    agent_factory: `package.module:function` that builds the agent of a turn.
    log_error_words: log errors with their words and traceback, and what the libraries say with its values: these may
    quote prompts and answers.
    show_system_prompt: whether whoever may call the agent may read its system prompt too.
    model_prices: by model id, for what a run is shown to have cost.
    sign_in_url: origin of the user pool's sign-in pages, for the console; None where callers need none.
    console_callers: on a laptop, the ports that answer as other callers, by their names.
    caller_by: of those who assume one IAM role, `principal` makes one owner and `session` one for each session's name.
    upload_bucket: of S3, for files that a prompt names; upload_folder: in place of it, on this machine; without either
    none are taken.
    cors_origins: of pages that may call from another origin than the API's own.
    sam_local: `sam local` verifies no caller, so there, and only there, one local owner is assumed.
    """

    store: StoreSettings = field(default_factory=StoreSettings)
    max_body_bytes: int = 5 * _MEBIBYTE
    max_prompt_characters: int = 100_000
    max_json_depth: int = 32
    page_size: int = 50
    max_page_size: int = 100
    run_timeout_seconds: int = 25
    streaming_run_timeout_seconds: int = 840
    session_ttl_days: int | None = None
    run_ttl_hours: int = 24
    rewind_ttl_hours: int = 24
    expire_batch_size: int = 500
    agent_id: str = "default"
    agent_factory: str = "agent.agent:build_agent"
    resumable_streams: bool = True
    show_system_prompt: bool = False
    model_prices: Mapping[str, ModelPrice] = field(default_factory=dict[str, ModelPrice])
    sign_in_url: str | None = None
    sign_in_client_id: str | None = None
    console_callers: Mapping[str, int] = field(default_factory=dict[str, int])
    caller_by: str = "principal"
    upload_bucket: str | None = None
    upload_folder: str | None = None
    cors_origins: tuple[str, ...] = ()
    sam_local: bool = False
    tracing: bool = False
    otlp_endpoint: str | None = None
    otlp_headers_secret: str | None = None
    log_level: str = "INFO"
    log_error_words: bool = False
    service: str = "agent-sessions"
    metrics_namespace: str = "AgentSessions"

    @property
    def awaited_seconds(self) -> float:
        """How long after its acceptance a background run may begin: Lambda keeps no event for longer than 6 hours."""
        return 3600.0 * min(MAXIMUM_EVENT_HOURS, self.run_ttl_hours)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, behind_gateway: bool = True) -> Self:
        """behind_gateway: in a function, which reads the database itself, and whose turns end before it gives up.

        Raises `ConfigurationError` naming the variable.
        """
        read = EnvironmentReader(environment)
        store = StoreSettings.from_environment(environment)
        longest, longest_streaming = (27, 880) if behind_gateway else (_HOUR, _HOUR)
        if behind_gateway and not store.is_postgresql:
            raise ConfigurationError("SESSION_BACKEND_URL must begin with postgresql:// for a function")
        max_page_size = read.integer("MAX_PAGE_SIZE", cls.max_page_size, 1, 1000)
        return cls(
            store=store,
            max_body_bytes=read.integer("MAX_BODY_BYTES", cls.max_body_bytes, 1024, 5 * _MEBIBYTE),
            max_prompt_characters=read.integer("MAX_PROMPT_CHARACTERS", cls.max_prompt_characters, 1, 4 * _MEBIBYTE),
            max_json_depth=read.integer("MAX_JSON_DEPTH", cls.max_json_depth, 4, 200),
            page_size=read.integer("PAGE_SIZE", min(cls.page_size, max_page_size), 1, max_page_size),
            max_page_size=max_page_size,
            run_timeout_seconds=read.integer("RUN_TIMEOUT_SECONDS", cls.run_timeout_seconds, 1, longest),
            streaming_run_timeout_seconds=read.integer(
                "STREAMING_RUN_TIMEOUT_SECONDS", cls.streaming_run_timeout_seconds, 1, longest_streaming
            ),
            session_ttl_days=read.integer("SESSION_TTL_DAYS", 0, 0, 36_500) or None,
            run_ttl_hours=read.integer("RUN_TTL_HOURS", cls.run_ttl_hours, 1, 24 * 365),
            rewind_ttl_hours=read.integer("REWIND_TTL_HOURS", cls.rewind_ttl_hours, 1, 24 * 365),
            expire_batch_size=read.integer("EXPIRE_BATCH_SIZE", cls.expire_batch_size, 1, 10_000),
            agent_id=read.identifier("AGENT_ID", cls.agent_id),
            agent_factory=environment.get("AGENT_FACTORY") or cls.agent_factory,
            resumable_streams=read.flag("RESUMABLE_STREAMS", default=cls.resumable_streams),
            show_system_prompt=read.flag("SHOW_SYSTEM_PROMPT"),
            model_prices=read.prices("MODEL_PRICES"),
            sign_in_url=environment.get("SIGN_IN_URL") or None,
            sign_in_client_id=environment.get("SIGN_IN_CLIENT_ID") or None,
            console_callers=read.ports("CONSOLE_CALLERS"),
            caller_by=read.choice("CALLER_BY", cls.caller_by, ("principal", "session")),
            upload_bucket=environment.get("UPLOAD_BUCKET") or None,
            upload_folder=environment.get("UPLOAD_FOLDER") or None,
            cors_origins=read.origins("CORS_ORIGINS"),
            sam_local=read.flag("AWS_SAM_LOCAL"),
            tracing=not read.flag("POWERTOOLS_TRACE_DISABLED", default=True),
            otlp_endpoint=environment.get("OTLP_ENDPOINT") or None,
            otlp_headers_secret=environment.get("OTLP_HEADERS_SECRET") or None,
            log_error_words=read.flag("LOG_ERROR_WORDS"),
            log_level=read.log_level("POWERTOOLS_LOG_LEVEL", cls.log_level),
            service=environment.get("POWERTOOLS_SERVICE_NAME") or cls.service,
            metrics_namespace=environment.get("POWERTOOLS_METRICS_NAMESPACE") or cls.metrics_namespace,
        )


class EnvironmentReader:
    """Reads variables as what they must be. Raises `ConfigurationError` naming the variable."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 12 and minimum <= int(text) <= maximum):
            raise ConfigurationError(f"{name} must be a whole number from {minimum} to {maximum}, not {text!r}")
        return int(text)

    def identifier(self, name: str, default: str) -> str:
        try:
            return checked(name, self._environment.get(name) or default)
        except InvalidInputError as error:
            raise ConfigurationError(str(error)) from error

    def choice(self, name: str, default: str, options: tuple[str, ...]) -> str:
        text = self._environment.get(name, "").strip() or default
        if text not in options:
            raise ConfigurationError(f"{name} must be {' or '.join(options)}, not {text!r}")
        return text

    def ports(self, name: str) -> dict[str, int]:
        """`alice=8002 bob=8003`."""
        pairs = [pair.partition("=") for pair in self._environment.get(name, "").split()]
        for caller, _, port in pairs:
            if not (caller and port.isascii() and port.isdigit() and int(port) < 65536):
                raise ConfigurationError(f"{name} must be names and ports such as alice=8002, separated by spaces")
        return {caller: int(port) for caller, _, port in pairs}

    def origins(self, name: str) -> tuple[str, ...]:
        """Separated by commas. Never every origin: answers are for callers with an identity."""
        given = [text.strip() for text in self._environment.get(name, "").split(",") if text.strip()]
        for origin in given:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f"{name} must be origins such as https://app.example.com, separated by commas, not {origin!r}"
                )
        return tuple(given)

    def prices(self, name: str) -> dict[str, ModelPrice]:
        """A JSON object with two numbers, dollars for a million input and output tokens, by model id."""
        text = self._environment.get(name, "").strip() or "{}"
        try:
            return {model: _parse_price(price) for model, price in json.loads(text).items()}
        except (ValueError, AttributeError, RecursionError) as error:
            raise ConfigurationError(
                f"{name} must be an object of JSON, a list of two prices for each model id, such as"
                f' {{"global.anthropic.claude-sonnet-4-6": [3, 15]}}, not {text!r}'
            ) from error

    def log_level(self, name: str, default: str) -> str:
        level = self._environment.get(name, "").strip().upper() or default
        if level not in logging.getLevelNamesMapping():
            raise ConfigurationError(
                f"{name} must be one of {', '.join(logging.getLevelNamesMapping())}, not {level!r}"
            )
        return level

    def flag(self, name: str, *, default: bool = False) -> bool:
        text = self._environment.get(name, "").strip().lower()
        if text not in ("", "true", "false"):
            raise ConfigurationError(f"{name} must be true or false, not {text!r}")
        return default if text == "" else text == "true"


def _parse_price(value: Any) -> ModelPrice:
    prices = cast(list[Any], value) if isinstance(value, list) else []
    if len(prices) != 2 or not all(type(price) in (int, float) and 0 <= price < math.inf for price in prices):
        raise ValueError
    return ModelPrice(*prices)
