"""Where sessions live, read once from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args
from urllib.parse import urlsplit

from .errors import ConfigurationError

DEFAULT_URL = "http://localhost:8001"
POSTGRESQL_SCHEMES = ("postgresql", "postgres")
HTTP_SCHEMES = ("http", "https")
Search = Literal["off", "messages", "all"]
_SIGN = "SESSION_BACKEND_IAM_AUTH"


@dataclass(frozen=True, slots=True)
class OwnerBudget:
    """What each owner may spend; None is no limit. A day is one of UTC."""

    runs_per_minute: int | None = None
    tokens_per_day: int | None = None


NO_BUDGET = OwnerBudget()


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How to reach the sessions.

    url: `postgresql://…` straight to the database, `http(s)://…` through the session backend.
    schema: where the tables are, if not where the role's own search_path finds them; `python -m session_store.migrate`
    makes it.
    iam_auth: log in with a fresh RDS IAM token instead of a password.
    ca_file: PEM of the authorities to trust, for hosts that are not loopback.
    read_timeout_seconds: how long the session backend may take for an answer; API Gateway gives up after 29 s.
    sign_requests: sign with AWS credentials for the session backend; None does so for API Gateway's own host names.
    search: whether the words of messages can be found; `all` with what tools answered. Titles are found in any case.
    search_language: PostgreSQL's text search configuration, by which words are found: `simple`, `english`, …
    token_file: holds a bearer token for the session backend, read for each request, since whoever writes it renews it.
    pool_size: how many connections the process opens at most; more than one where it serves many requests at a time.
    statement_timeout_seconds: how long the database may take for the answer to one statement, connecting included.
    budget: of each owner, where this process decides on it, as a server of the database does.
    idle_seconds: a connection idle for longer is replaced; stay below what the proxy (1,800 s) or the role allows.
    """

    url: str = DEFAULT_URL
    schema: str | None = None
    iam_auth: bool = False
    ca_file: str | None = None
    region: str | None = None
    connect_timeout_seconds: int = 5
    read_timeout_seconds: float = 30
    sign_requests: bool | None = None
    search: Search = "off"
    search_language: str = "simple"
    token_file: str | None = None
    statement_timeout_seconds: float = 30
    idle_seconds: float = 1500
    budget: OwnerBudget = NO_BUDGET
    pool_size: int = 1

    def __post_init__(self) -> None:
        try:
            scheme = urlsplit(self.url).scheme
        except ValueError as error:
            raise ConfigurationError(f"SESSION_BACKEND_URL is not a URL: {error}") from None
        if scheme not in POSTGRESQL_SCHEMES + HTTP_SCHEMES:
            raise ConfigurationError(
                f"SESSION_BACKEND_URL must begin with postgresql:// or http(s)://, not {scheme or 'nothing'}://"
            )
        # PostgreSQL cuts longer names off without a word.
        if self.schema is not None and not (1 <= len(self.schema.encode()) <= 63 and self.schema.isprintable()):
            raise ConfigurationError(f"DATABASE_SCHEMA must be a name of at most 63 bytes, not {self.schema!r}")

        if not re.fullmatch(r"[a-z_][a-z0-9_.]{0,126}", self.search_language):
            raise ConfigurationError(
                f"SEARCH_LANGUAGE must name a text search configuration, not {self.search_language!r}"
            )

    @property
    def is_postgresql(self) -> bool:
        return urlsplit(self.url).scheme in POSTGRESQL_SCHEMES

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises `ConfigurationError` naming the variable."""
        return cls(
            url=environment.get("SESSION_BACKEND_URL") or DEFAULT_URL,
            schema=environment.get("DATABASE_SCHEMA") or None,
            iam_auth=_flag(environment, "DATABASE_IAM_AUTH"),
            ca_file=environment.get("DATABASE_CA_FILE") or None,
            region=environment.get("AWS_REGION") or None,
            connect_timeout_seconds=int(_number(environment, "DATABASE_CONNECT_TIMEOUT_SECONDS", 5)),
            read_timeout_seconds=_number(environment, "SESSION_BACKEND_TIMEOUT_SECONDS", 30),
            search=_search(environment),
            search_language=environment.get("SEARCH_LANGUAGE") or "simple",
            sign_requests=_flag(environment, _SIGN) if _SIGN in environment else None,
            token_file=environment.get("SESSION_BACKEND_TOKEN_FILE") or None,
            statement_timeout_seconds=_number(environment, "DATABASE_STATEMENT_TIMEOUT_SECONDS", 30),
            idle_seconds=_number(environment, "DATABASE_IDLE_SECONDS", 1500),
            budget=OwnerBudget(
                _limit(environment, "OWNER_RUNS_PER_MINUTE"), _limit(environment, "OWNER_TOKENS_PER_DAY")
            ),
            pool_size=_pool_size(environment, "DATABASE_POOL_SIZE"),
        )


def _search(environment: Mapping[str, str]) -> Search:
    value = environment.get("SEARCH") or "off"
    for option in get_args(Search):
        if option == value:
            return option
    raise ConfigurationError(f"SEARCH must be off, messages or all, not {value!r}")


def _limit(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ConfigurationError(f"{name} must be a whole number, not {text!r}")
    return int(text) or None


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "false").lower()
    if value not in ("true", "false"):
        raise ConfigurationError(f"{name} must be true or false, not {value!r}")
    return value == "true"


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name)
    try:
        number = float(value) if value else default
    except ValueError as error:
        raise ConfigurationError(f"{name} must be a number, not {value!r}") from error
    if not 1 <= number <= 86_400:
        raise ConfigurationError(f"{name} must lie between 1 and 86400 seconds, not {value}")
    return number


def _pool_size(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name) or "1"
    if not (value.isascii() and value.isdigit() and len(value) <= 3 and 1 <= int(value) <= 100):
        raise ConfigurationError(f"{name} must be a whole number from 1 to 100, not {value!r}")
    return int(value)
