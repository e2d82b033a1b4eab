"""One HTTP request, whichever server took it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request does not depend on its operation.

    path: as the client sent it, percent-encoded. path_parameters: percent-encoded too. headers: by name in lower case.
    caller: the owner that the server has verified, None where it has verified nobody. read_body: raises
    `MalformedRequestError`. received, deadline: moments of `time.monotonic()`: when the request came, and when the
    server gives it up. claims: of the caller's verified token.
    """

    method: str
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    read_body: Callable[[], bytes]
    caller: str | None
    request_id: str
    received: float
    deadline: float
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])
