"""Requests signed with AWS credentials, as API Gateway's IAM authorization verifies them (Signature Version 4)."""

import re
from collections.abc import Mapping
from typing import Any, cast

from session_store.errors import ConfigurationError

_API_GATEWAY = re.compile(r"[^.]+\.execute-api\.(?P<region>[^.]+)\.amazonaws\.com(?:\.cn)?")


def region_of(host: str) -> str | None:
    """The region in a host name of API Gateway itself; None for any other."""
    match = _API_GATEWAY.fullmatch(host)
    return match["region"] if match else None


class Signer:
    """Signs with the credentials that the AWS SDK finds, and renews. Raises `ConfigurationError` if it finds none."""

    def __init__(self, region: str) -> None:
        # Only who signs pays for the import.
        from botocore.auth import SigV4Auth  # pyright: ignore[reportMissingTypeStubs]
        from botocore.awsrequest import AWSRequest  # pyright: ignore[reportMissingTypeStubs]
        from botocore.session import Session  # pyright: ignore[reportMissingTypeStubs]

        self._region = region
        self._auth: Any = SigV4Auth
        self._request: Any = AWSRequest
        self._credentials = cast(Any, Session()).get_credentials()
        if self._credentials is None:
            raise ConfigurationError("the session backend wants signed requests, and no AWS credentials are found")

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """`headers` and those of the signature, for exactly this URL and body."""
        request = self._request(method=method, url=url, data=body, headers=dict(headers))
        self._auth(self._credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())
