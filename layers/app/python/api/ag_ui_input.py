"""AG-UI's `RunAgentInput`, as its versions 0.1 and 1.0 have it: docs.ag-ui.com/sdk/js/core/types."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import PydanticCustomError

from api.call import Call
from api.content_blocks import MAXIMUM_CONTENT_BYTES, ReadUpload, count_content_bytes
from api.errors import InvalidRequestError, PayloadTooLargeError
from api.process_request import Identifier, SessionId, name_fields
from api.prompt_uploads import make_reader
from api.stock_client_content import check_once, find_text_length, parse_content
from api.stored_files import FillPart, fill_ag_ui_part
from turns.frontend_input import Frontend, FrontendResult, FrontendTool
from turns.request import Prompt

_TOOL_NAME = r"^[A-Za-z0-9_-]{1,64}$"
_EMPTY_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


class _Part(BaseModel):
    """Members that this service does not know are for others, as AG-UI has it."""

    model_config = ConfigDict(extra="ignore")


def _is_schema(value: object) -> bool:
    """As far as is needed to hand it to a model: what its words mean is the model's to judge."""
    if not isinstance(value, dict):
        return isinstance(value, bool)
    properties: object = cast(dict[str, Any], value).get("properties", {})
    return isinstance(properties, dict) and all(map(_is_schema, cast(dict[str, Any], properties).values()))


def _is_object_schema(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("type", "object") != "object" or not _is_schema(value):
        raise PydanticCustomError("schema", "must be the JSON Schema of an object")
    return value


class AgUiTool(_Part):
    """`parameters` is the JSON Schema of an object."""

    name: Annotated[str, Field(pattern=_TOOL_NAME)]
    description: str = ""
    parameters: Annotated[dict[str, Any], AfterValidator(_is_object_schema)] | None = None

    def for_agent(self) -> FrontendTool:
        return FrontendTool(self.name, self.description or self.name, self.parameters or _EMPTY_SCHEMA)


class AgUiContext(_Part):
    description: str
    value: str


class AgUiAnswer(_Part):
    """An answer to an interrupt: the `payload`, or `true` without one; `false` where a human dismissed it."""

    interruptId: Identifier  # noqa: N815 - AG-UI's names, here and below
    status: Literal["resolved", "cancelled"]
    payload: Any = None

    @property
    def response(self) -> Any:
        if self.status == "cancelled":
            return False  # never what a tool could take for an approval
        return True if self.payload is None else self.payload


class AgUiMessage(_Part):
    """`content` is read in the last messages alone: those before them are the server's to know."""

    id: Identifier
    role: str
    content: str | list[Any] | dict[str, Any] | None = None
    toolCallId: str | None = None  # noqa: N815
    error: str | None = None


class RunAgentInput(_Part):
    """`threadId` is the session, `runId` the idempotency key and the id in the events.

    The last user message is the prompt; the messages before it are those that the client holds. An empty list is
    answered with what is stored, and asks no model. A tool message answers a call to one of `tools`, which the client
    carries out; `resume` answers interrupts. `state` is merged into the agent's; `context` is read by the model and
    stored nowhere; `forwardedProps` are the metadata for the agent and its tools.
    """

    threadId: SessionId  # noqa: N815
    runId: Identifier  # noqa: N815
    messages: list[AgUiMessage]
    tools: Annotated[list[AgUiTool] | None, Field(max_length=100)] = None
    context: Annotated[list[AgUiContext] | None, Field(max_length=100)] = None
    state: dict[str, Any] | None = None
    resume: Annotated[list[AgUiAnswer] | None, Field(max_length=100)] = None
    forwardedProps: Any = None  # noqa: N815
    protocolVersion: str | None = None  # noqa: N815
    _held: list[dict[str, Any]] = PrivateAttr(default_factory=list[dict[str, Any]])
    _prompt: Prompt = PrivateAttr(default="")
    _results: list[FrontendResult] = PrivateAttr(default_factory=list[FrontendResult])

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
        read._held = value["messages"]
        read._fill_files(fill_ag_ui_part(call, read.threadId))
        read._read_content(make_reader(call, read.threadId))
        read.check(call.settings.max_prompt_characters)
        return read

    @property
    def held_messages(self) -> list[dict[str, Any]]:
        """The client's list, as it came."""
        return self._held

    def check(self, max_prompt_characters: int) -> None:
        if self.is_empty:
            return
        if not (self.resume or self._results or self._words_index() is not None):
            raise InvalidRequestError([("messages", "must end with a message of the user's or a tool's result")])
        check_once("resume", [answer.interruptId for answer in self.resume or ()], "answers an interrupt twice")
        if find_text_length(self.prompt()) > max_prompt_characters:
            raise PayloadTooLargeError("messages", f"end with more than {max_prompt_characters} characters")

    @property
    def is_empty(self) -> bool:
        return not self.messages and not self.resume

    @property
    def is_prompt(self) -> bool:
        """Whether it ends with words of the user's, and answers no interrupt."""
        return self._words_index() is not None

    def prompt(self) -> Prompt:
        """Empty where results of tools are all that is sent."""
        if self.resume:
            answers = [(answer.interruptId, answer.response) for answer in self.resume]
            return [{"interruptResponse": {"interruptId": name, "response": value}} for name, value in answers]
        return self._prompt

    def frontend(self) -> Frontend:
        index = self._words_index()
        return Frontend(
            tools=[tool.for_agent() for tool in self.tools or ()],
            results=self._results,
            context=[f"{each.description}: {each.value}" for each in self.context or ()],
            state=self._state(),
            message_id=None if index is None else self.messages[index].id,
        )

    def metadata(self) -> dict[str, Any]:
        given: object = self.forwardedProps
        return cast(dict[str, Any], given) if isinstance(given, dict) else {}

    def answered_calls(self) -> set[str]:
        return {result.tool_call_id for result in self._results}

    def idempotency_key(self) -> str:
        """Clients number their runs as they like, so a run's id is its thread's alone."""
        return hashlib.sha256(f"{self.threadId}\n{self.runId}".encode(errors="surrogatepass")).hexdigest()

    def fingerprint(self) -> str:
        """The same for a request that is sent again, another for any other."""
        resumed = [answer.model_dump() for answer in self.resume or ()]
        text = json.dumps([self.threadId, resumed, self._held[self._tail_start() :]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def held_ids(self) -> set[str]:
        """Of the messages before the prompt."""
        return {message.id for message in self.messages[:-1]}

    def _fill_files(self, fill: FillPart) -> None:
        index = self._words_index()
        if index is not None and isinstance(content := self.messages[index].content, list):
            self.messages[index].content = [*map(fill, content)]

    def _read_content(self, read_upload: ReadUpload) -> None:
        """Once: a file that was uploaded may be large."""
        index = self._words_index()
        if index is not None:
            self._prompt = parse_content(self.messages[index].content, f"messages[{index}].content", read_upload)
        tail = enumerate(self.messages[self._tail_start() :], start=self._tail_start())
        results = [(message, f"messages[{number}]") for number, message in tail if message.role == "tool"]
        check_once("messages", [str(message.toolCallId) for message, _ in results], "have two results of a tool call")
        left_bytes = MAXIMUM_CONTENT_BYTES
        for message, field in results:
            self._results.append(_result(message, field, read_upload))
            left_bytes -= count_content_bytes(self._results[-1].content)
            if left_bytes < 0:
                reason = f"must have at most {MAXIMUM_CONTENT_BYTES} bytes of content in its results together"
                raise InvalidRequestError([("messages", reason)])

    def _state(self) -> dict[str, Any]:
        state = self.state or {}
        if any(not name.strip() for name in state):
            raise InvalidRequestError([("state", "must be an object without a blank member")])
        return state

    def _words_index(self) -> int | None:
        """Of the prompt's message, if the list ends with one, and no interrupt is answered."""
        is_prompt = self.messages and self.messages[-1].role == "user" and not self.resume
        return len(self.messages) - 1 if is_prompt else None

    def _tail_start(self) -> int:
        """Behind the last message of the assistant's: before it, all is the server's to know."""
        said = [index for index, message in enumerate(self.messages) if message.role == "assistant"]
        return said[-1] + 1 if said else 0


def _result(message: AgUiMessage, field: str, read_upload: ReadUpload) -> FrontendResult:
    if message.toolCallId is None:
        raise InvalidRequestError([(f"{field}.toolCallId", "is missing")])
    has_content = message.content not in ("", [], None)
    given = parse_content(message.content, f"{field}.content", read_upload) if has_content else []
    blocks = [{"text": given}] if isinstance(given, str) else given
    errors = [{"text": message.error}] if message.error else []
    content = [*blocks, *errors] or [{"text": "done"}]
    return FrontendResult(message.toolCallId, content, is_error=bool(message.error), message_id=message.id)
