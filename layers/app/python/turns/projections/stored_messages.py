"""Stored messages of Strands' as the events that made them, with the same ids, for clients that show both alike."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from session_store.message_text import read_text
from turns.events import (
    Event,
    ReasoningDelta,
    ReasoningEnded,
    ReasoningStarted,
    TextDelta,
    TextEnded,
    TextStarted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallResult,
    ToolCallStarted,
)
from turns.message_ids import client_id, client_ids, reasoning_id, result_id, text_id
from turns.tool_results import read_result

Message = Mapping[str, Any]


def read_events(message: Message, message_id: str) -> Iterator[Event]:
    """Of an assistant's message, or of tools' results; each text in one piece. message_id: its `tracking_id`."""
    if message["role"] == "assistant":
        yield from _AssistantMessage(message_id).read(message["content"])
    for number, result in enumerate(_results(message), start=1):
        is_error = result.get("status") == "error"
        yield ToolCallResult(_piece_id(message, message_id, number), result["toolUseId"], read_result(result), is_error)


def read_words(message: Message) -> str | None:
    """What the user said in it; None where the message has nothing of the user's."""
    words = read_text(message["content"])
    return words if message["role"] == "user" and (words or not _results(message)) else None


class StoredFile(NamedTuple):
    """kind: `image`, `document` or `video`. attachment_id: under which its bytes can be read."""

    kind: str
    media_type: str
    attachment_id: str


def read_files(message: Message) -> list[StoredFile]:
    """Of a message of the user's, in which names stand for bytes."""
    files: list[StoredFile] = []
    for block in message["content"]:
        for kind in {"image", "document", "video"} & set(block):
            content = block[kind].get("source", {}).get("bytes")
            if isinstance(content, dict) and "attachment_id" in content:
                known = cast(dict[str, str], content)
                files.append(StoredFile(kind, known["media_type"], known["attachment_id"]))
    return files


def has_results(message: Message) -> bool:
    return bool(_results(message))


def words_id(message: Message, message_id: str) -> str:
    return _piece_id(message, message_id, len(_results(message)) + 1)


def read_ids(message: Message) -> set[str]:
    """By which clients may know it."""
    own = message.get("tracking_id")
    return client_ids(message) | ({own} if own else set())


def _piece_id(message: Message, message_id: str, number: int) -> str:
    return client_id(message, number) or result_id(message_id, number)


def _results(message: Message) -> list[dict[str, Any]]:
    return [block["toolResult"] for block in message["content"] if "toolResult" in block]


class _AssistantMessage:
    def __init__(self, message_id: str) -> None:
        self._message_id = message_id
        self._texts = self._reasonings = 0
        self._open_text: str | None = None
        self._is_first = True

    def read(self, content: list[dict[str, Any]]) -> Iterator[Event]:
        for block in content:
            if text := read_text([block]):
                yield from self._text(text)
            elif "toolUse" in block:
                yield from self._close_text()
                yield from self._tool_call(block["toolUse"])
            elif text := block.get("reasoningContent", {}).get("reasoningText", {}).get("text"):
                yield from self._close_text()
                yield from self._reasoning(text)
        yield from self._close_text()

    def _text(self, text: str) -> Iterator[Event]:
        if self._open_text is None:
            self._texts += 1
            self._open_text = text_id(self._message_id, self._texts, is_first=self._is_first)
            self._is_first = False
            yield TextStarted(self._open_text)
        yield TextDelta(self._open_text, text)

    def _close_text(self) -> Iterator[Event]:
        if self._open_text:
            yield TextEnded(self._open_text)
            self._open_text = None

    def _tool_call(self, use: Mapping[str, Any]) -> Iterator[Event]:
        self._is_first = False
        yield ToolCallStarted(use["toolUseId"], use["name"], self._message_id)
        yield ToolCallDelta(use["toolUseId"], json.dumps(use["input"]))
        yield ToolCallEnded(use["toolUseId"])

    def _reasoning(self, text: str) -> Iterator[Event]:
        self._reasonings += 1
        piece = reasoning_id(self._message_id, self._reasonings)
        yield ReasoningStarted(piece)
        yield ReasoningDelta(piece, text)
        yield ReasoningEnded(piece)
