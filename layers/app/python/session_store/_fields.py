"""How the fields of records stand in the session backend's documents, one name for each kind.

>>> class SessionRecord(NamedTuple):
...     session_id: Identifier
...     message_count: WholeNumber = 0
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from .document import Document
from .errors import InvalidInputError
from .lease import checked_lease
from .raw_json import dump_json
from .session_patch import checked_title, dump_metadata
from .trace import checked_trace

AGENT_SESSION = "AGENT"


class Field(NamedTuple):
    """parse: of a document's member by its name; raises `InvalidInputError`. dump: to JSON text.

    A field with a default has it where the member is missing or null, unless `has_computed_default`: then parse is
    asked all the same.
    """

    parse: Callable[[Document, str], Any]
    dump: Callable[[Any], str] = dump_json
    has_computed_default: bool = False


class Local(NamedTuple):
    """The field stands in no document: only who has the database itself has it."""


class Inline(NamedTuple):
    """The members of the field's record stand in the document itself."""


def _parse_session_type(document: Document, name: str) -> str:
    return document.one_of(name, (AGENT_SESSION,)) if document.has(name) else AGENT_SESSION


def _parse_title(document: Document, name: str) -> str:
    return checked_title(name, document.value(name))


def _parse_metadata(document: Document, name: str) -> str:
    dump_metadata(document.value(name), name)
    return document.object(name)


def _parse_internal_state(document: Document, name: str) -> str:
    return _parse_given_internal_state(document, name) or "{}"


def _parse_given_internal_state(document: Document, name: str) -> str | None:
    """Strands writes it as `_internal_state`, and reads it so."""
    spellings = [spelling for spelling in (name, f"_{name}") if document.has(spelling)]
    states = [document.object(spelling) for spelling in spellings]
    if len(states) == 2 and document.value(spellings[0]) != document.value(spellings[1]):
        raise InvalidInputError(spellings[1], f"must be the same as {name}, or alone")
    return states[0] if states else None


def _parse_removed_message_count(document: Document, name: str) -> int:
    return _parse_given_removed_message_count(document, name) or 0


def _parse_given_removed_message_count(document: Document, name: str) -> int | None:
    """Unless it is given, the conversation manager's own."""
    if document.has(name):
        return document.whole_number(name)
    if not document.has("conversation_manager_state"):
        return None
    document.object("conversation_manager_state")
    removed = document.value("conversation_manager_state").get(name)
    return removed if isinstance(removed, int) else 0


def _parse_lease_seconds(document: Document, name: str) -> float:
    return checked_lease(name, document.value(name))


def _parse_body(document: Document, name: str) -> str:
    """A redacted message has its replacement in both bodies."""
    return document.object("redact_message" if document.has("redact_message") else name)


Identifier = Annotated[str, Field(Document.identifier)]
RunId = Annotated[str, Field(Document.run_id)]
SessionType = Annotated[str, Field(_parse_session_type)]
Text = Annotated[str, Field(Document.text)]
Title = Annotated[str, Field(_parse_title)]
Metadata = Annotated[str, Field(_parse_metadata, dump=str)]
Preview = Annotated[str, Field(Document.preview)]
Timestamp = Annotated[str, Field(Document.timestamp)]
WholeNumber = Annotated[int, Field(Document.whole_number)]
OrdinalNumber = Annotated[int, Field(Document.ordinal_number)]
RemovedMessageCount = Annotated[int, Field(_parse_removed_message_count, has_computed_default=True)]
GivenRemovedMessageCount = Annotated[int, Field(_parse_given_removed_message_count, has_computed_default=True)]
LeaseSeconds = Annotated[float, Field(_parse_lease_seconds)]
Flag = Annotated[bool, Field(Document.flag)]
JsonObject = Annotated[str, Field(Document.object, dump=str)]
InternalState = Annotated[str, Field(_parse_internal_state, dump=str)]
GivenInternalState = Annotated[str, Field(_parse_given_internal_state, dump=str, has_computed_default=True)]
TraceText = Annotated[str, Field(checked_trace, dump=str)]
MessageBody = Annotated[str, Field(_parse_body, dump=str)]
