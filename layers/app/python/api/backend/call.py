"""One request to the session backend: whose sessions, which ids, what document."""

from dataclasses import dataclass

from api import json_body
from api.errors import UnauthenticatedError
from api.request import Query, Request
from session_store import identifiers
from session_store.document import Document
from session_store.errors import MessageNotFoundError
from session_store.wire import ENCODED, parse_segment

_SEPARATOR = "/"


@dataclass(frozen=True, slots=True)
class Call:
    request: Request
    owner: str
    query: Query

    @classmethod
    def of(cls, request: Request, *parameters: str) -> "Call":
        """`parameters`: those of the query beside `owner`. Raises what `Request.query` and `_owner_of` raise."""
        caller, query = request.owner, request.query("owner", *parameters)
        return cls(request, _owner_of(caller, query.values.get("owner")), query)

    def identifier(self, name: str) -> str:
        """A path's segment: percent-encoded, or as `wire.dump_segment` makes it. Raises `InvalidIdentifierError`."""
        segment: str = self.request.event["pathParameters"][name]
        return parse_segment(name, segment) if segment.startswith(ENCODED) else self.request.identifier(name)

    def message_id(self) -> int:
        text = self.identifier("message_id")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise MessageNotFoundError(text)
        return int(text)

    def document(self, *nested: str) -> Document:
        """The body, its values unchanged; `nested` as for `Document.parse`.

        Raises what `Request.json` raises, and `InvalidInputError`.
        """
        return json_body.parse_document(self.request.text(), self.request.settings.max_json_depth, nested)


def _owner_of(caller: str, subspace: str | None) -> str:
    """`<caller>`, or `<caller>/<subspace>`.

    No id that AWS verifies has a slash, so what stands before the first one is the caller, whatever the subspace says.
    Raises `InvalidIdentifierError` for a subspace with which the owner is longer than an identifier may be, and for an
    empty one: whoever meant one of many users must not meet the caller's own sessions.
    """
    if _SEPARATOR in caller:
        raise UnauthenticatedError
    if subspace is None:
        return caller
    return identifiers.checked("owner", caller + _SEPARATOR + parse_segment("owner", subspace))
