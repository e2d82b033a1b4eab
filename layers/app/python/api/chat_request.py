"""What the transport of `useChat` posts: ai-sdk.dev/docs/ai-sdk-ui/transport."""

import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from api.ag_ui_input import AgUiTool
from api.call import Call
from api.content_blocks import ReadUpload
from api.errors import InvalidRequestError, PayloadTooLargeError
from api.process_request import Identifier, SessionId, name_fields
from api.prompt_uploads import make_reader
from api.stock_client_content import check_once, find_text_length, parse_ui_parts
from api.stored_files import fill_ui_part
from session_store.identifiers import checked
from turns.frontend_input import Frontend, FrontendResult
from turns.request import Prompt


class ChatMessage(BaseModel):
    """`parts` are read in the last message alone: those before it are the server's to know."""

    model_config = ConfigDict(extra="ignore")

    id: Identifier
    role: str
    parts: list[dict[str, Any]]


class ChatRequest(BaseModel):
    """`id` is the session. The last message is the prompt, or the answers to an agent that waits.

    Those are in the assistant's last message: approvals of tool calls, and outputs of `tools`, which the client carries
    out itself. `metadata` is for the agent and its tools.
    """

    model_config = ConfigDict(extra="ignore")

    id: SessionId
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    tools: Annotated[list[AgUiTool] | None, Field(max_length=100)] = None
    metadata: dict[str, Any] | None = None
    _last: dict[str, Any] = PrivateAttr(default_factory=dict[str, Any])
    _prompt: Prompt = PrivateAttr(default="")

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
        read._last = value["messages"][-1]
        if read.last.role == "user":
            read.last.parts = [*map(fill_ui_part(call, read.id), read.last.parts)]
        read._prompt = read._parse_prompt(make_reader(call, read.id))
        limit = call.settings.max_prompt_characters
        if find_text_length(read.prompt()) > limit:
            raise PayloadTooLargeError("messages", f"end with more than {limit} characters")
        return read

    @property
    def last(self) -> ChatMessage:
        return self.messages[-1]

    @property
    def continued_id(self) -> str | None:
        """Of the client's message that the turn goes on with."""
        return self.last.id if self.last.role == "assistant" else None

    def prompt(self) -> Prompt:
        """Empty where outputs of tools are all that is sent."""
        return self._prompt

    def _parse_prompt(self, read_upload: ReadUpload) -> Prompt:
        if self.last.role == "user":
            return parse_ui_parts(self.last.parts, f"messages[{len(self.messages) - 1}].parts", read_upload)
        answers = list(self._approvals())
        if not (answers or self.results()) or self.last.role != "assistant":
            raise InvalidRequestError([("messages", "must end with the user's words, an approval or a tool's output")])
        check_once("messages", [name for name, _ in answers], "have two answers to an approval")
        check_once("messages", [result.tool_call_id for result in self.results()], "have two outputs of a tool call")
        return [{"interruptResponse": {"interruptId": name, "response": value}} for name, value in answers]

    def results(self) -> list[FrontendResult]:
        parts = self._open_parts() if self.continued_id else []
        return [result for part in parts if (result := _result(part))]

    def frontend(self) -> Frontend:
        tools = [tool.for_agent() for tool in self.tools or ()]
        return Frontend(tools, self.results(), message_id=self.last.id if self.last.role == "user" else None)

    def fingerprint(self) -> str:
        """The same for a request that is sent again, another for any other."""
        return hashlib.sha256(json.dumps([self.id, self._last], sort_keys=True).encode()).hexdigest()

    def held_ids(self) -> set[str]:
        """Of the messages before the last one."""
        return {message.id for message in self.messages[:-1]}

    def _open_parts(self) -> list[dict[str, Any]]:
        """Of the last step: nothing before it waits any more."""
        parts = self.last.parts
        starts = [number for number, part in enumerate(parts) if part.get("type") == "step-start"]
        return parts[starts[-1] :] if starts else parts

    def _approvals(self) -> Iterator[tuple[str, bool]]:
        """A plain `true` or `false`: a tool may take anything else for an approval."""
        for part in self._open_parts() if self.continued_id else []:
            approval: Any = part.get("approval")
            if part.get("state") == "approval-responded" and isinstance(approval, dict):
                given = cast(dict[str, Any], approval)
                yield _checked_id(given), given.get("approved") is True


def _checked_id(approval: dict[str, Any]) -> str:
    given = approval.get("id")
    if not isinstance(given, str):
        raise InvalidRequestError([("messages", "have an approval without an id")])
    return checked("approval.id", given)


def _result(part: dict[str, Any]) -> FrontendResult | None:
    call_id, state = part.get("toolCallId"), part.get("state")
    if not isinstance(call_id, str) or state not in ("output-available", "output-error"):
        return None
    is_error = state == "output-error"
    output: Any = part.get("errorText") if is_error else part.get("output")
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    return FrontendResult(call_id, [{"text": text or "done"}], is_error=is_error)
