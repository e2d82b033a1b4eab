"""One psycopg connection, set up so that an RDS Proxy can share it and nothing pins it."""

from collections.abc import Generator
from ipaddress import ip_address
from math import inf
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from .errors import ConfigurationError
from .iam_token import create_iam_token
from .settings import StoreSettings
from .time_limit import seconds_left

T = TypeVar("T")
Row = tuple[Any, ...]
Statement = LiteralString
_DEFAULT_PORT = "5432"


class Connection(psycopg.Connection[Row]):
    """Waits for an answer until the `time_limit`; after that it is no longer usable."""

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **named: Any) -> T:
        return super().wait(_within_limit(gen) if seconds_left() < inf else gen, *arguments, **named)


def connect(settings: StoreSettings) -> Connection:
    """A new connection in autocommit, without prepared statements.

    Raises `psycopg.OperationalError`, and `ConfigurationError` for a database that is not UTF-8.
    """
    connection = Connection.connect(**_parameters(settings), autocommit=True, prepare_threshold=None)
    try:
        check_encoding(connection)
    except ConfigurationError:
        connection.close()
        raise
    return connection


def check_encoding(connection: psycopg.Connection[Any]) -> None:
    """Raises `ConfigurationError`. A server reports its encoding when it logs a client in, and a proxy may not."""
    encoding = (connection.pgconn.parameter_status(b"server_encoding") or b"UTF8").decode()
    if encoding != "UTF8":
        raise ConfigurationError(
            f"database {connection.info.dbname} is encoded in {encoding}; sessions need one that is encoded in UTF8"
        )


def _within_limit(generator: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    """psycopg sends a generator of its protocol what the socket is ready for, and every 0.1 s that it is not."""
    state = next(generator)
    try:
        while True:
            ready = yield state
            if seconds_left() <= 0:
                raise psycopg.OperationalError("no answer came in time")
            state = generator.send(ready)
    except StopIteration as ended:
        return ended.value


def _parameters(settings: StoreSettings) -> dict[str, Any]:
    # A named Parse and the DEALLOCATE that follows it pin a proxied connection; so does `options=` at start-up.
    named = _named(settings.url)
    parameters: dict[str, Any] = {
        "connect_timeout": _connect_timeout_seconds(settings),
        "application_name": "session-store",
        "client_encoding": "UTF8",
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        **_tls(settings, named),
        **named,
    }
    if settings.iam_auth and not parameters.get("password"):
        parameters["password"] = _iam_token(settings, parameters)
    return parameters


def _connect_timeout_seconds(settings: StoreSettings) -> int:
    """Raises `psycopg.OperationalError` when no time is left. libpq takes 1 for 2."""
    left = seconds_left()
    if left <= 0:
        raise psycopg.OperationalError("no time is left to connect")
    return max(1, int(min(settings.connect_timeout_seconds, left)))


def _named(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's words quote the URL, and with it a password.
        raise ConfigurationError("SESSION_BACKEND_URL is not a PostgreSQL connection URI") from None


def _tls(settings: StoreSettings, named: dict[str, Any]) -> dict[str, str]:
    """`verify-full` for every host that is not this machine, none for this one; the URL's own `sslmode` comes first."""
    hosts = f"{_host(named, 'host')},{_host(named, 'hostaddr')}".split(",")
    if not {"service", "sslmode"} & named.keys() and all(_is_local(host) for host in hosts):
        return {}
    mode = named.get("sslmode", "verify-full")
    # psycopg's binary wheel looks for authorities where Lambda has none: the file is always named.
    # libpq refuses the system's authorities for any weaker mode.
    authorities = settings.ca_file or ("system" if mode == "verify-full" else "")
    return {"sslmode": mode} | ({"sslrootcert": authorities} if authorities else {})


def _host(named: dict[str, Any], keyword: str) -> str:
    """As libpq will take it: what the URL leaves out may be in PGHOST or PGHOSTADDR."""
    defaults = {option.keyword: option.val for option in Conninfo.get_defaults()}
    return named.get(keyword) or (defaults[keyword.encode()] or b"").decode()


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")


def _iam_token(settings: StoreSettings, parameters: dict[str, Any]) -> str:
    if not {"host", "user"} <= parameters.keys():
        raise ConfigurationError("DATABASE_IAM_AUTH=true needs a host and a user in SESSION_BACKEND_URL")
    port = int(parameters.get("port", _DEFAULT_PORT))
    return create_iam_token(parameters["host"], port, parameters["user"], settings.region)
