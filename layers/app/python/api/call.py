"""One request to one operation."""

from email.message import Message
from typing import TYPE_CHECKING, Any, TypeVar, cast

from api import json_body
from api.errors import (
    EndUserRefusedError,
    InvalidRequestError,
    MalformedRequestError,
    PayloadTooLargeError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from api.operation import Operation, Parameter
from api.parameters import END_USER
from api.request import Request
from api.settings import Settings
from api.uploads import Uploads, open_uploads
from session_store import identifiers
from session_store.document import Document
from session_store.errors import ConfigurationError

if TYPE_CHECKING:
    from api.application import Application
    from session_store.postgresql import PostgreSQLStore
    from turns.engine import TurnEngine

T = TypeVar("T")
_SECONDS_TO_END_A_RUN = 3.0
_MEDIA_TYPES = {"PATCH": ("application/merge-patch+json",)}


class Call:
    """A request that fits its operation's declaration: its caller, its query and all its parameters are checked.

    `call[PARAMETER]` is a parameter's value. Raises `UnauthenticatedError`, `InvalidRequestError`,
    `InvalidIdentifierError`.
    """

    def __init__(self, operation: Operation, request: Request, application: "Application") -> None:
        self.request, self.application = request, application
        if operation.access == "owner":
            self._caller = _verified(request.caller)
            _check_query(operation, request)
        self._values = {
            parameter: parameter.parse(_text(parameter, request), application.settings)
            for parameter in operation.parameters
        }
        if operation.access == "owner":
            self.end_user = _end_user(self._caller, self.header(END_USER.name), application.settings)
            subspace = self._values[operation.subspace] if operation.subspace else self.end_user
            self.owner = _owner(self._caller, subspace)

    def __getitem__(self, parameter: Parameter[T]) -> T:
        return cast(T, self._values[parameter])

    @property
    def settings(self) -> Settings:
        return self.application.settings

    @property
    def store(self) -> "PostgreSQLStore":
        return self.application.store

    @property
    def turns(self) -> "TurnEngine":
        """Raises `ConfigurationError` in a function without an agent."""
        if self.application.turns is None:
            raise ConfigurationError("functions.toml gives an operation that asks the agent to a function without one")
        return self.application.turns

    @property
    def uploads(self) -> Uploads | None:
        """None: the service takes none."""
        return open_uploads(self.settings)

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name.lower())

    def query_members(self, parameter: Parameter[None]) -> dict[str, str]:
        """What follows the prefix that `parameter` stands for, and the values. Raises `InvalidIdentifierError`."""
        prefix = parameter.name.removesuffix("*")
        return {
            identifiers.checked("query", name.removeprefix(prefix)): identifiers.checked(name, values[-1])
            for name, values in self.request.query.items()
            if name.startswith(prefix)
        }

    def json(self) -> Any:
        """The body's value. Raises `UnsupportedMediaTypeError`, `PayloadTooLargeError`, `MalformedRequestError`."""
        return json_body.parse(self._text(), self.settings.max_json_depth)

    def document(self, *nested: str) -> Document:
        """The body, its values unchanged; `nested` as for `Document.parse`.

        Raises what `json` raises, and `InvalidInputError`.
        """
        return json_body.parse_document(self._text(), self.settings.max_json_depth, nested)

    def deadline(self, limit_seconds: float) -> float:
        """The moment at which a run ends: `limit_seconds` after the request came, and early enough before the server
        gives the request up that the run can still be ended in the database.
        """
        received = self.request.received
        return max(received + 1.0, min(received + limit_seconds, self.request.deadline - _SECONDS_TO_END_A_RUN))

    def _text(self) -> str:
        _check_media_type(self.header("Content-Type"), self.request.method)
        content, limit = self.request.read_body(), self.settings.max_body_bytes
        if len(content) > limit:
            raise PayloadTooLargeError("body", f"is larger than {limit} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise MalformedRequestError(f"is not UTF-8 at byte {error.start}") from error


def find_owner(request: Request, settings: Settings) -> str:
    """Whose request it is, where no operation says otherwise. Raises as `Call` does."""
    caller = _verified(request.caller)
    return _owner(caller, _end_user(caller, request.headers.get(END_USER.name.lower()), settings))


def _verified(caller: str | None) -> str:
    if caller is None:
        raise UnauthenticatedError
    return caller


def _end_user(caller: str, name: str | None, settings: Settings) -> str | None:
    if name is not None and not caller.startswith("iam:"):
        raise EndUserRefusedError
    return END_USER.parse(name, settings)


def _owner(caller: str, subspace: str | None) -> str:
    """`<caller>`, or `<caller>/<subspace>`: no caller has a slash, so no subspace reaches another caller's sessions."""
    return caller if subspace is None else identifiers.checked("owner", f"{caller}/{subspace}")


def _check_query(operation: Operation, request: Request) -> None:
    names = {parameter.name for parameter in operation.parameters if parameter.place == "query"}
    prefixes = tuple(name.removesuffix("*") for name in names if name.endswith("*"))
    unknown = [
        (name, "is not a parameter of this route")
        for name in request.query
        if name not in names and not name.startswith(prefixes)
    ]
    repeated = [(name, "is given more than once") for name, values in request.query.items() if len(values) > 1]
    if unknown or repeated:
        raise InvalidRequestError(unknown + repeated)


def _text(parameter: Parameter[Any], request: Request) -> str | None:
    if parameter.place == "query":
        return next(iter(request.query.get(parameter.name, ())), None)
    if parameter.place == "header":
        return request.headers.get(parameter.name.lower())
    return request.path_parameters.get(parameter.name)


def _check_media_type(content_type: str | None, method: str) -> None:
    if content_type is None:
        raise UnsupportedMediaTypeError("must be application/json")
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() not in ("application/json", *_MEDIA_TYPES.get(method, ())):
        raise UnsupportedMediaTypeError("must be application/json")
    try:
        charset = message.get_content_charset() or "utf-8"
    except ValueError as error:  # a parameter's continuation with a number of thousands of digits
        raise UnsupportedMediaTypeError("has parameters that cannot be read") from error
    if charset.replace("_", "-").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaTypeError("must have the charset utf-8")
