"""A history as messages of Vercel's AI SDK, with which `useChat` begins."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from turns.answer import Interrupt
from turns.events import (
    Event,
    ReasoningDelta,
    ReasoningStarted,
    TextDelta,
    TextStarted,
    ToolCallDelta,
    ToolCallResult,
    ToolCallStarted,
)
from turns.projections.printable import printable
from turns.projections.stored_messages import StoredFile, read_events, read_files, read_words, words_id
from turns.projections.ui_message_stream import dump_question, dump_result, parse_input

UiMessage = dict[str, Any]


def dump_ui_messages(
    history: Iterable[tuple[str, Mapping[str, Any]]], interrupts: Collection[Interrupt], attachments_path: str
) -> list[UiMessage]:
    """All that is said between two prompts is one message.

    history: Strands' messages, each with its `tracking_id`. attachments_path: below which the bytes of their files are.
    """
    messages: list[UiMessage] = []
    tools: dict[str, dict[str, Any]] = {}
    for message_id, message in history:
        if message["role"] == "assistant":
            _extend_answer(messages, message_id, read_events(message, message_id), tools)
            continue
        for event in read_events(message, message_id):
            if isinstance(event, ToolCallResult) and event.tool_call_id in tools:
                tools[event.tool_call_id] |= _outcome(event)
        if (words := read_words(message)) is not None:
            parts = [*_dump_words(words), *(_dump_file(file, attachments_path) for file in read_files(message))]
            messages.append({"id": words_id(message, message_id), "role": "user", "parts": parts})
    _ask(tools, interrupts)
    return messages


def _dump_words(words: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": printable(words)}] if words else []


def _dump_file(file: StoredFile, attachments_path: str) -> dict[str, Any]:
    return {"type": "file", "mediaType": file.media_type, "url": f"{attachments_path}/{file.attachment_id}"}


def _extend_answer(
    messages: list[UiMessage], message_id: str, events: Iterable[Event], tools: dict[str, dict[str, Any]]
) -> None:
    if not messages or messages[-1]["role"] == "user":
        messages.append({"id": message_id, "role": "assistant", "parts": []})
    parts: list[dict[str, Any]] = messages[-1]["parts"]
    parts.append({"type": "step-start"})
    for event in events:
        match event:
            case TextStarted():
                parts.append({"type": "text", "text": "", "state": "done"})
            case ReasoningStarted(piece):
                parts.append({"type": "reasoning", "id": piece, "text": "", "state": "done"})
            case TextDelta(text=text) | ReasoningDelta(text=text):
                parts[-1]["text"] += printable(text)
            case ToolCallStarted(call_id, name):
                tools[call_id] = {"type": f"tool-{name}", "toolCallId": call_id, "state": "input-available"}
                parts.append(tools[call_id])
            case ToolCallDelta(call_id, arguments):
                tools[call_id]["input"] = parse_input(arguments)
            case _:
                pass


def _outcome(result: ToolCallResult) -> dict[str, Any]:
    chunk = dump_result(result)
    if result.is_error:
        return {"state": "output-error", "errorText": chunk["errorText"]}
    return {"state": "output-available", "output": chunk["output"]}


def _ask(tools: dict[str, dict[str, Any]], interrupts: Iterable[Interrupt]) -> None:
    for interrupt in interrupts:
        for chunk in dump_question(interrupt, tools):
            if chunk["type"] == "tool-approval-request":
                approval = {"id": chunk["approvalId"], "descriptor": chunk["approvalDescriptor"]}
                tools[chunk["toolCallId"]] |= {"state": "approval-requested", "approval": approval}
