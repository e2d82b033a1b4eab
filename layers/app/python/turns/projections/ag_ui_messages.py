"""A conversation as AG-UI's messages, with the same ids from its history as from the events of a turn that goes on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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

AgUiMessage = dict[str, Any]


def dump_history(history: Iterable[tuple[str, Mapping[str, Any]]], attachments_path: str) -> list[AgUiMessage]:
    """Of Strands' messages, each with its `tracking_id`: one of theirs may be several of AG-UI's.

    attachments_path: below which the bytes of their files are.
    """
    return _place_results(
        dumped for message_id, message in history for dumped in _dump_message(message, message_id, attachments_path)
    )


def _place_results(messages: Iterable[AgUiMessage]) -> list[AgUiMessage]:
    """Where clients put them: right behind the message of their calls."""
    placed: list[AgUiMessage] = []
    for message in messages:
        placed.insert(_place(placed, message.get("toolCallId")), message)
    return placed


def _place(placed: Sequence[AgUiMessage], call_id: str | None) -> int:
    """Behind the message with that call, and behind the results of the same message that are there already."""
    end = len(placed)
    calling = (number for number in reversed(range(end)) if call_id in _call_ids(placed[number]))
    if call_id is None or (index := next(calling, None)) is None:
        return end
    return next((number for number in range(index + 1, end) if placed[number]["role"] != "tool"), end)


def _call_ids(message: AgUiMessage) -> list[str]:
    return [call["id"] for call in message.get("toolCalls", ())]


def _dump_message(message: Mapping[str, Any], message_id: str, attachments_path: str) -> list[AgUiMessage]:
    dumped = _collect(read_events(message, message_id))
    if (words := read_words(message)) is not None:
        files = [_dump_file(file, attachments_path) for file in read_files(message)]
        content = [{"type": "text", "text": printable(words)}, *files] if files else printable(words)
        dumped.append({"id": words_id(message, message_id), "role": "user", "content": content})
    return dumped


def _dump_file(file: StoredFile, attachments_path: str) -> dict[str, Any]:
    source = {"type": "url", "value": f"{attachments_path}/{file.attachment_id}", "mimeType": file.media_type}
    return {"type": file.kind, "source": source}


def dump_events(events: Iterable[Event]) -> list[AgUiMessage]:
    """The messages that a client has made of these events."""
    return _place_results(_collect(events))


def _collect(events: Iterable[Event]) -> list[AgUiMessage]:
    messages: dict[str, AgUiMessage] = {}
    calls: dict[str, dict[str, Any]] = {}
    for event in events:
        match event:
            case TextStarted(message_id):
                _assistant(messages, message_id)["content"] = ""
            case ReasoningStarted(message_id):
                messages[message_id] = {"id": message_id, "role": "reasoning", "content": ""}
            case TextDelta(message_id, text) | ReasoningDelta(message_id, text):
                messages[message_id]["content"] += printable(text)
            case ToolCallStarted(call_id, name, message_id):
                calls[call_id] = {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
                _assistant(messages, message_id).setdefault("toolCalls", []).append(calls[call_id])
            case ToolCallDelta(call_id, arguments):
                calls[call_id]["function"]["arguments"] += printable(arguments)
            case ToolCallResult(message_id, call_id, content):
                messages[message_id] = _tool_message(message_id, call_id, printable(content))
            case _:
                pass
    return list(messages.values())


def _assistant(messages: dict[str, AgUiMessage], message_id: str) -> AgUiMessage:
    return messages.setdefault(message_id, {"id": message_id, "role": "assistant"})


def _tool_message(message_id: str, call_id: str, content: str) -> AgUiMessage:
    return {"id": message_id, "role": "tool", "toolCallId": call_id, "content": content}
