"""What the environment decides for a server, beside what it decides everywhere (`api.settings`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from api.settings import EnvironmentReader, Settings
from session_store.errors import ConfigurationError

# A shorter name resembles too many others.
_SHORTEST_NAME_CHECKED = 8
_RESEMBLANCE = 0.9


class TokenSettings(NamedTuple):
    """issuer, audience: what a token's `iss` and `aud` must be. owner_claim: the claim that names the user."""

    issuer: str
    audience: str
    owner_claim: str
    key_url: str | None


@dataclass(frozen=True)
class ServerSettings:
    """port, metrics_port: 0 takes a free one; without a metrics_port there are no metrics.

    maximum_requests: answered at once. shutdown_seconds: which turns have to end by themselves once the process is to
    end. caller_header: in which a trusted proxy names the user. token: how callers prove who they are.
    """

    application: Settings
    host: str = "127.0.0.1"
    port: int = 8000
    metrics_port: int | None = None
    maximum_requests: int = 256
    shutdown_seconds: int = 25
    caller_header: str | None = None
    token: TokenSettings | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], port: int = 8000) -> Self:
        """Raises `ConfigurationError` naming the variable; for a variable that is misspelt too."""
        asked = _AskedEnvironment(environment)
        read = EnvironmentReader(asked)
        settings = cls(
            application=Settings.from_environment(asked, behind_gateway=False),
            host=asked.get("HOST") or cls.host,
            port=read.integer("PORT", port, 0, 65535),
            metrics_port=read.integer("METRICS_PORT", 0, 0, 65535) if asked.get("METRICS_PORT") else None,
            maximum_requests=read.integer("MAX_CONCURRENT_REQUESTS", cls.maximum_requests, 1, 10_000),
            shutdown_seconds=read.integer("SHUTDOWN_SECONDS", cls.shutdown_seconds, 0, 3600),
            caller_header=asked.get("CALLER_HEADER") or None,
            token=read_token(asked),
        )
        asked.refuse_misspelt()
        settings.check_callers()
        return settings

    def check_callers(self) -> None:
        """Raises `ConfigurationError` for an address that is open to others while nobody is asked who they are."""
        if self.caller_header and self.token:
            raise ConfigurationError("CALLER_HEADER and JWT_ISSUER exclude each other: set one of them")
        if not (self.caller_header or self.token or is_loopback(self.host)):
            raise ConfigurationError(
                f"HOST={self.host} can be reached by others, so callers must be known: set JWT_ISSUER and JWT_AUDIENCE,"
                " or CALLER_HEADER behind a proxy that sets it, or HOST=127.0.0.1"
            )


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_token(environment: Mapping[str, str]) -> TokenSettings | None:
    issuer, audience = environment.get("JWT_ISSUER"), environment.get("JWT_AUDIENCE")
    owner_claim, key_url = environment.get("JWT_OWNER_CLAIM") or "sub", environment.get("JWT_JWKS_URL") or None
    if not (issuer or audience):
        return None
    if not (issuer and audience):
        raise ConfigurationError("JWT_ISSUER and JWT_AUDIENCE need each other: a token for others must not be taken")
    for name, url in (("JWT_ISSUER", issuer), ("JWT_JWKS_URL", key_url)):
        if url and not _is_safe(url):
            raise ConfigurationError(f"{name} must begin with https://, not {url!r}")
    return TokenSettings(issuer, audience, owner_claim, key_url)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    )


class _AskedEnvironment(Mapping[str, str]):
    """An environment that knows which of its variables were asked for: these are the ones that there are."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment, self._asked = environment, set[str]()

    def __getitem__(self, name: str) -> str:
        self._asked.add(name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)

    def refuse_misspelt(self) -> None:
        """Raises `ConfigurationError` for a variable that nothing reads, and that resembles one that is read."""
        known = [name for name in self._asked if len(name) >= _SHORTEST_NAME_CHECKED]
        for name in self._environment.keys() - self._asked:
            if meant := get_close_matches(name, known, n=1, cutoff=_RESEMBLANCE):
                raise ConfigurationError(f"{name} is no variable of this service: {meant[0]} is")
