"""Who calls a server of one's own: as a trusted proxy says, or the one owner of a loopback address.

Callers with tokens are in `asgi_token_caller`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from api.edges.api_gateway_caller import as_owner

# The owner that the local gateway has too, so that both show the same sessions.
LOOPBACK_OWNER = "iam:AIDALOCALOWNER"


class Caller(NamedTuple):
    """owner: None where nobody was verified. claims: of the caller's verified token."""

    owner: str | None
    claims: Mapping[str, Any] = {}


NOBODY = Caller(None)
Headers = Mapping[str, Sequence[str]]
FindCaller = Callable[[Headers], Caller]
"""From all values of each header, by name in lower case. Raises `IssuerUnavailableError`."""


def loopback_caller(_: Headers) -> Caller:
    return Caller(LOOPBACK_OWNER)


class ProxyCaller:
    """The user that a trusted proxy names in a header, which it must take out of what clients send.

    A header that came twice was not set by the proxy alone: then nobody is verified.
    """

    def __init__(self, header: str) -> None:
        self._header = header.lower()

    def __call__(self, headers: Headers) -> Caller:
        values = headers.get(self._header, ())
        return Caller(as_owner(f"proxy:{values[0]}")) if len(values) == 1 and values[0] else NOBODY
