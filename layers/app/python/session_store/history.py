"""What a stored history lacks so that a next prompt may follow it, and what a run writes there by itself."""

from collections.abc import Iterable, Mapping
from typing import Any

Message = Mapping[str, Any]

TOOL_INTERRUPTED = "The tool was interrupted; whether it took effect is unknown."
TURN_INTERRUPTED = "This turn was interrupted before it was answered."
TURN_ENDED = "The turn ended here without a further message."


def closing_messages(last: Message | None, results: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """The messages that close a turn which broke off after `last`: none if an assistant's answer stands there.

    Models refuse a tool request without its result, and two messages of the user in a row. `results` are those of
    `last`'s requests that are known.
    """
    if last is None:
        return []
    requests = tool_use_ids(last)
    if last["role"] == "assistant" and not requests:
        return []
    note = own_message("assistant", {"text": TURN_INTERRUPTED})
    if not requests:
        return [note]
    known = {result["toolUseId"]: result for result in results}
    blocks = [{"toolResult": known.get(request) or unknown_outcome(request)} for request in requests]
    return [own_message("user", *blocks), note]


def own_message(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def unknown_outcome(tool_use_id: str) -> dict[str, Any]:
    return {"toolUseId": tool_use_id, "status": "error", "content": [{"text": TOOL_INTERRUPTED}]}


def tool_use_ids(message: Message) -> list[str]:
    return [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]


def is_prompt(message: Message) -> bool:
    """Whether a user speaks here; a tool's result has the user's role too."""
    return message["role"] == "user" and not any("toolResult" in block for block in message["content"])
