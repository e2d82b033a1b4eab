"""Requests signed with AWS credentials, as API Gateway's IAM authorization verifies them (Signature Version 4)."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from session_store.errors import ConfigurationError

_API_GATEWAY = re.compile(r"[^.]+\.execute-api\.(?P<region>[^.]+)\.amazonaws\.com(?:\.cn)?")


def region_of(host: str) -> str | None:
    """The region in a host name of API Gateway itself; None for any other."""
    match = _API_GATEWAY.fullmatch(host)
    return match["region"] if match else None


class Signer:
    """Signs with the credentials that the AWS SDK finds, and renews. Raises `ConfigurationError` without any."""

    def __init__(self, region: str) -> None:
        try:  # here, as only who signs pays for the import
            from botocore.auth import SigV4Auth  # pyright: ignore[reportMissingTypeStubs]
            from botocore.awsrequest import AWSRequest  # pyright: ignore[reportMissingTypeStubs]
            from botocore.exceptions import BotoCoreError  # pyright: ignore[reportMissingTypeStubs]
            from botocore.session import Session  # pyright: ignore[reportMissingTypeStubs]
        except ImportError as error:
            raise ConfigurationError("signed requests need boto3: install strands-session-store[iam]") from error
        self._region, self._failure = region, BotoCoreError
        self._auth: Any = SigV4Auth
        self._request: Any = AWSRequest
        with self._failures_told():
            self._credentials = cast(Any, Session()).get_credentials()
        if self._credentials is None:
            raise ConfigurationError("the session backend wants signed requests, and no AWS credentials are found")

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """`headers` and those of the signature, for exactly this URL and body."""
        request = self._request(method=method, url=url, data=body, headers=dict(headers))
        with self._failures_told():
            credentials = self._credentials.get_frozen_credentials()
        self._auth(credentials, "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())

    @contextmanager
    def _failures_told(self) -> Generator[None]:
        """Credentials are often fetched only when they are used: a sign-in has expired, a process failed."""
        try:
            yield
        except self._failure as error:
            raise ConfigurationError(f"the AWS credentials cannot be used: {error}") from error
