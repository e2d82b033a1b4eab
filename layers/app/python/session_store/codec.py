"""Makes a record's document and reads it, from the record's own description. Public.

The documents are those of the session backend, one form for both of its ends: the fields of the store's records. What
Strands stores (messages, states, results) stands in them as the very text that is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args, get_origin

from ._fields import Field, Inline, Local
from .damage import UNREADABLE
from .document import Document
from .encoding import is_parsable, preview_of
from .errors import InvalidInputError
from .raw_json import dump_json, dump_list, dump_object
from .records import MessageRecord, OmittedMessage, RunWrite
from .restorable import check_message, check_write
from .wire import MAXIMUM_BYTES, wire_bytes

Record = TypeVar("Record")


class _Described(NamedTuple):
    name: str
    field: Field
    is_nullable: bool
    default: Any
    is_inline: bool = False
    is_nested: bool = False


def dump_record(record: Any, **members: str) -> str:
    """The record's document; `members` are JSON texts that stand before its own, or in their place."""
    return dump_object(members | _dump_members(record, members))


def nested_members(kind: type) -> list[str]:
    """Those members of a record's document that are documents themselves, for `Document.parse`."""
    return [described.name for described in _describe(kind) if described.is_nested]


def parse_record(kind: Callable[..., Record], document: Document, **given: Any) -> Record:
    """given: what the path says already: such a member may be missing, but not another one.

    Raises `InvalidInputError` naming the member.
    """
    return kind(**{each.name: _parse_field(each, document, given) for each in _describe(kind)})


def parse_message(document: Document, **given: Any) -> MessageRecord:
    """Raises `InvalidInputError` also for a body that no agent could be restored from."""
    message = parse_record(MessageRecord, document, **given)
    check_message(message)
    return message


def parse_preview(document: Document, message: MessageRecord) -> str | None:
    """The `preview` that is given; else that of an agent's first message, and None for a later one."""
    if document.names("preview"):
        return document.preview("preview") if document.has("preview") else None
    return preview_of(_body(document)) if message.message_id == 0 else None


def parse_write(document: Document, run_id: str) -> RunWrite:
    """Raises `InvalidInputError` also for messages of an agent that leave one out, for what stands in it twice, for
    what no agent could be restored from, and for unknown members.
    """
    members = [described.name for described in _describe(RunWrite)]
    write = parse_record(RunWrite, document.refuse_others(members), run_id=run_id)
    check_write(write)
    next_ids = write.first_message_ids
    for agent_id, message in write.messages:
        if message.message_id != next_ids[agent_id]:
            raise InvalidInputError("messages", "must have the message_ids of an agent one after another")
        next_ids[agent_id] += 1
    return write


def dump_message(message: MessageRecord | OmittedMessage) -> str:
    """Its document; of one that no answer can hold its size only, and of one that no client can parse that it is so."""
    if isinstance(message, OmittedMessage):
        return dump_json({"message_id": message.message_id, "omitted_bytes": message.size_bytes})
    if not is_parsable(message.message):
        return dump_json({"message_id": message.message_id, "damaged": UNREADABLE})
    text = dump_record(message)
    if wire_bytes(text) <= MAXIMUM_BYTES:
        return text
    omitted = {"message_id": message.message_id, "omitted_bytes": len(message.message.encode())}
    return dump_json(omitted)


def _body(document: Document) -> dict[str, Any]:
    return document.value("redact_message") or document.value("message")


def _dump_members(record: Any, others: Mapping[str, str]) -> dict[str, str]:
    members: dict[str, str] = {}
    for described in _describe(cast(Any, type(record))):
        if described.name in others:
            continue
        value = getattr(record, described.name)
        if described.is_inline:
            members |= _dump_members(value, others)
        else:
            members[described.name] = "null" if value is None else described.field.dump(value)
    return members


def _parse_field(described: _Described, document: Document, given: Mapping[str, Any]) -> Any:
    name, field = described.name, described.field
    is_missing = not described.is_inline and not document.has(name)
    if is_missing and name in given:
        return given[name]
    if is_missing and described.is_nullable and not field.has_computed_default:
        return described.default
    value = field.parse(document, name)
    if name in given and value != given[name]:
        raise InvalidInputError(name, "is another one than the path names")
    return value


@cache
def _describe(kind: Any) -> tuple[_Described, ...]:
    defaults: Mapping[str, Any] = kind._field_defaults
    return tuple(
        _describe_field(name, annotation, name in defaults, defaults.get(name))
        for name, annotation in kind.__annotations__.items()
        if not isinstance(_mark(annotation), Local)
    )


def _describe_field(name: str, annotation: Any, is_nullable: bool, default: Any) -> _Described:
    options, origin = get_args(annotation), get_origin(annotation)
    if NoneType in options:
        return _describe_field(name, options[0], True, default)
    if origin is Literal:
        return _Described(name, _field_of_choices(options), is_nullable, default)
    if origin is Sequence:
        return _Described(name, _field_of_records(options[0]), True, default or (), is_nested=True)
    mark = _mark(annotation)
    if isinstance(mark, Field):
        return _Described(name, mark, is_nullable, default)
    if isinstance(mark, Inline):
        return _Described(name, _field_of_record(annotation.__origin__, is_inline=True), False, None, is_inline=True)
    return _Described(name, _field_of_record(annotation, is_inline=False), is_nullable, default, is_nested=True)


def _mark(annotation: Any) -> Any:
    return getattr(annotation, "__metadata__", (None,))[0]


def _field_of_choices(choices: tuple[str, ...]) -> Field:
    def parse(document: Document, name: str) -> str:
        return document.one_of(name, choices)

    return Field(parse)


def _field_of_records(kind: Any) -> Field:
    def parse(document: Document, name: str) -> list[Any]:
        return [parse_record(kind, item) for item in document.documents(name)]

    def dump(records: Sequence[Any]) -> str:
        return dump_list(map(dump_record, records))

    return Field(parse, dump)


def _field_of_record(kind: Any, *, is_inline: bool) -> Field:
    def parse(document: Document, name: str) -> Any:
        return parse_record(kind, document if is_inline else document.document(name))

    return Field(parse, dump_record)
