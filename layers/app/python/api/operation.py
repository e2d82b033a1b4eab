"""What an operation of the API is, before OpenAPI's words for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from api.process_request import ProcessRequest


@dataclass(frozen=True)
class Parameter:
    name: str
    place: Literal["path", "query", "header"]
    schema: dict[str, Any]
    description: str


@dataclass(frozen=True)
class Link:
    """What one may ask next: the operation, its parameter, and where in the answer its value is."""

    operation_id: str
    parameter: str
    pointer: str


@dataclass(frozen=True)
class Operation:
    """`answer`: a type for JSON, a media type for anything else, None for no body at all."""

    operation_id: str
    method: str
    path: str
    summary: str
    answer: Any
    example: Any = None
    status: int = 200
    description: str = ""
    parameters: Sequence[Parameter] = ()
    body: type[ProcessRequest] | None = None
    errors: Sequence[type[Exception]] = ()
    owned: bool = True
    headers: dict[str, str] = field(default_factory=dict[str, str])
    links: Sequence[Link] = ()
