"""What `/process` and `/process-streaming` take: one reading for both."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any, Self, cast, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    PrivateAttr,
    Tag,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from api.call import Call
from api.content_blocks import MAXIMUM_BLOCKS, block_schema, parse_blocks
from api.errors import InvalidRequestError, PayloadTooLargeError
from api.parameters import IDENTIFIER
from api.prompt_uploads import make_reader
from api.settings import Settings
from session_store import identifiers
from session_store.errors import InvalidIdentifierError
from session_store.records import IfBusy

_TAGS = ("text", "answers", "content")
_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "literal_error": f"must be {', '.join(get_args(IfBusy)[:-1])} or {get_args(IfBusy)[-1]}",
    "string_unicode": "has a member whose name is not Unicode text",  # the one text that pydantic reads by itself
}


def _is_text(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("text", "must be text, or a list of interrupt responses")
    if not value.strip():
        raise PydanticCustomError("text", "must not be empty")
    return value


def _check(rule: Callable[[str, object], str]) -> PlainValidator:
    def check(value: object) -> str:
        try:
            return rule("", value)
        except InvalidIdentifierError as error:
            raise PydanticCustomError("identifier", "{reason}", {"reason": error.reason}) from error

    return PlainValidator(check)


# What `str.strip` leaves something of. Not \\S: regular expressions differ on what is white space.
NOT_BLANK = r"[^\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
# pydantic's own text refuses lone surrogates, which a prompt may have and the database keeps.
Prompt = Annotated[
    str,
    PlainValidator(_is_text),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": Settings.max_prompt_characters, "pattern": NOT_BLANK}
    ),
]
Identifier = Annotated[str, _check(identifiers.checked), WithJsonSchema(IDENTIFIER)]
SessionId = Annotated[
    str,
    _check(identifiers.checked_new_session_id),
    WithJsonSchema({**IDENTIFIER, "not": {"enum": [*identifiers.UNREACHABLE]}}),
]


def _whole(value: object) -> object:
    """As JSON has numbers: 3.0 is whole too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


MessageId = Annotated[int, Field(strict=True, ge=0, le=identifiers.MAXIMUM_NUMBER), BeforeValidator(_whole)]


def _is_response(value: object) -> object:
    if value is None:  # for Strands, no answer at all
        raise PydanticCustomError("null", "must not be null")
    return value


class InterruptResponse(BaseModel):
    """A human's answer to the interrupt of that id; `response` is any JSON value but null that the tool understands."""

    model_config = ConfigDict(extra="forbid")

    interruptId: Identifier  # noqa: N815 - Strands' name
    response: Annotated[Any, PlainValidator(_is_response), WithJsonSchema({"not": {"type": "null"}})]


class InterruptAnswer(BaseModel):
    """The content block in which Strands takes an answer."""

    model_config = ConfigDict(extra="forbid")

    interruptResponse: InterruptResponse  # noqa: N815 - Strands' name


ContentBlock = Annotated[
    Any,
    WithJsonSchema(block_schema({"type": "string", "minLength": 1, "pattern": NOT_BLANK})),
]


def _kind_of_prompt(value: object) -> str:
    if not isinstance(value, list):
        return "text"
    blocks = cast(list[Any], value)
    is_content = blocks and all(isinstance(block, dict) and "interruptResponse" not in block for block in blocks)
    return "content" if is_content else "answers"


class ProcessRequest(BaseModel):
    """`prompt` is text, content blocks, or answers to the interrupts that the agent waits for.

    Without a `session_id` a new session begins. With a `from_message_id` the turn goes on as if the history ended
    before it, and what follows is replaced when the turn is complete. `metadata` is for the agent and its tools; it is
    not stored. `if_busy`: where another run holds the session, refuse this one, let it wait in turn, or cancel the
    other one.
    """

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[
        Annotated[Prompt, Tag("text")]
        | Annotated[list[InterruptAnswer], Field(min_length=1, max_length=100), Tag("answers")]
        | Annotated[list[ContentBlock], Field(min_length=1, max_length=MAXIMUM_BLOCKS), Tag("content")],
        Discriminator(_kind_of_prompt),
    ]
    session_id: SessionId | None = None
    from_message_id: MessageId | None = None
    metadata: dict[str, Any] | None = None
    if_busy: IfBusy | None = None
    _blocks: list[dict[str, Any]] = PrivateAttr(default_factory=list[dict[str, Any]])

    @classmethod
    def parse(cls, call: Call) -> Self:
        """Raises `InvalidRequestError` naming every field at fault, and what `Call.json` raises."""
        value = call.json()
        if not isinstance(value, dict):
            raise InvalidRequestError([("body", "must be a JSON object")])
        try:
            read = cls.model_validate(value)
        except ValidationError as error:
            raise InvalidRequestError(name_fields(error)) from None
        _check_interrupts(read)
        _check_rewind(read)
        limit = call.settings.max_prompt_characters
        if read.text_length > limit:
            raise PayloadTooLargeError("prompt", f"has more than {limit} characters")
        if read.is_content:
            read._blocks = parse_blocks(read.prompt, "prompt", make_reader(call, read.session_id))
        return read

    @property
    def answers(self) -> list[InterruptAnswer]:
        return [each for each in self.prompt if isinstance(each, InterruptAnswer)]

    @property
    def is_content(self) -> bool:
        return not (isinstance(self.prompt, str) or self.answers)

    @property
    def text_length(self) -> int:
        """Of its text, or of the longest of its blocks."""
        texts = [self.prompt] if isinstance(self.prompt, str) else [_text(block) for block in self.prompt]
        return max(map(len, texts))

    def prompt_for_agent(self) -> str | list[dict[str, Any]]:
        if isinstance(self.prompt, str):
            return self.prompt
        return self._blocks or [answer.model_dump() for answer in self.answers]

    def fingerprint(self) -> str:
        """The same for a request that is sent again, another for any other."""
        prompt = self.prompt if self.is_content else self.prompt_for_agent()
        parts = [self.session_id, prompt, *([self.metadata] if self.metadata else [])]
        if self.from_message_id is not None:
            parts.append({"from_message_id": self.from_message_id})
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _text(block: Any) -> str:
    text: Any = cast(dict[str, Any], block).get("text") if isinstance(block, dict) else None
    return text if isinstance(text, str) else ""


def _check_interrupts(request: ProcessRequest) -> None:
    """Raises `InvalidRequestError` for one that is answered twice."""
    seen = set[str]()
    for number, answer in enumerate(request.answers):
        interrupt_id = answer.interruptResponse.interruptId
        if interrupt_id in seen:
            name = f"prompt[{number}].interruptResponse.interruptId"
            raise InvalidRequestError([(name, "is answered twice")])
        seen.add(interrupt_id)


def _check_rewind(request: ProcessRequest) -> None:
    """Raises `InvalidRequestError` where there is no history to go back in, or an answer to what it ends with."""
    if request.from_message_id is None:
        return
    if request.session_id is None:
        raise InvalidRequestError([("from_message_id", "needs a session_id")])
    if request.answers:
        raise InvalidRequestError([("from_message_id", "cannot come with answers to interrupts")])


def name_fields(error: ValidationError) -> list[tuple[str, str]]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [(_name(detail["loc"]), _reason(detail["type"], detail["msg"])) for detail in details]


def _name(location: tuple[int | str, ...]) -> str:
    """`prompt[0].interruptResponse.response`, without the union's tag."""
    name = ""
    for part in location:
        if isinstance(part, int):
            name += f"[{part}]"
        elif part not in _TAGS:
            name += f".{part}" if name else part
    return name or "body"


def _reason(kind: str, message: str) -> str:
    return _REASONS.get(kind, message)
