"""Tokens for signing in to RDS with IAM, by botocore's signer alone: boto3's client takes four times the CPU."""

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlencode

from .errors import ConfigurationError

LIFETIME_SECONDS = 900
_SERVICE = "rds-db"
_SCHEME = "https://"


def create_iam_token(host: str, port: int, user: str, region: str | None) -> str:
    """A password for one connect: RDS checks it then, and no later. Raises `ConfigurationError`."""
    try:
        from botocore.auth import SigV4QueryAuth  # pyright: ignore[reportMissingTypeStubs]
        from botocore.awsrequest import AWSRequest  # pyright: ignore[reportMissingTypeStubs]
        from botocore.exceptions import BotoCoreError  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise ConfigurationError("DATABASE_IAM_AUTH=true needs boto3: install strands-session-store[iam]") from error
    query = urlencode({"Action": "connect", "DBUser": user})
    request = cast(Any, AWSRequest)(method="GET", url=f"{_SCHEME}{host}:{port}/?{query}")
    try:
        credentials = _find_credentials().get_frozen_credentials()
        signing_region = region or _configured_region()
    except BotoCoreError as error:
        raise ConfigurationError(f"the AWS credentials cannot be used: {error}") from error
    cast(Any, SigV4QueryAuth)(credentials, _SERVICE, signing_region, expires=LIFETIME_SECONDS).add_auth(request)
    return request.url.removeprefix(_SCHEME)


def import_early() -> None:
    """What a first token may need. No credentials: those of a snapshot's process are no longer good in its copies."""
    for name in ("botocore.auth", "botocore.session"):
        with suppress(ImportError):  # the first token says so
            import_module(name)


@cache
def _find_credentials() -> Any:
    """Lambda's are in the environment; whatever else the AWS SDK knows takes a session, which is slower to import."""
    from botocore.credentials import EnvProvider  # pyright: ignore[reportMissingTypeStubs]

    credentials = cast(Any, EnvProvider)().load() or _session().get_credentials()
    if credentials is None:
        raise ConfigurationError("DATABASE_IAM_AUTH=true needs AWS credentials, and none are found")
    return credentials


def _configured_region() -> str:
    region = _session().get_config_variable("region")
    if region is None:
        raise ConfigurationError("DATABASE_IAM_AUTH=true needs a region: set AWS_REGION")
    return region


def _session() -> Any:
    from botocore.session import Session  # pyright: ignore[reportMissingTypeStubs]

    return cast(Any, Session)()
