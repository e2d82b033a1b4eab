"""An operation of the API: where it is, what it takes, what it answers, and the function that answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from api.settings import Settings

if TYPE_CHECKING:
    from api.call import Call
    from api.response import Response

Access = Literal["owner", "public"]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Parameter(Generic[T]):
    """A value that comes outside of the body.

    parse: from its text (percent-encoded in a path, None where it is absent) to its value. Raises `InvalidRequestError`
    or `InvalidIdentifierError` naming it.
    """

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any]
    parse: Callable[[str | None, Settings], T]


@dataclass(frozen=True)
class Body:
    """A JSON body: the type that reads it, and examples by name."""

    type: type
    examples: Mapping[str, Any]


@dataclass(frozen=True)
class Link:
    """What one may ask next: the operation, its parameter, and where in the answer its value is."""

    operation_id: str
    parameter: str
    pointer: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """access: "owner" needs a verified caller; "public" reads and writes no session.

    answer: a type for JSON, a media type for anything else, None for no body at all. errors: beside those of every
    operation with an owner. no_content: when 204 stands in place of the answer. subspace: the parameter that names a
    part of the caller's sessions.
    """

    operation_id: str
    method: str
    path: str
    handle: "Callable[[Call], Response]"
    access: Access = "owner"
    summary: str = ""
    description: str = ""
    parameters: Sequence[Parameter[Any]] = ()
    subspace: Parameter[str | None] | None = None
    body: Body | None = None
    answer: Any = None
    example: Any = None
    status: int = 200
    no_content: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    links: Sequence[Link] = ()
    errors: Sequence[type[Exception]] = ()
