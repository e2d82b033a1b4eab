"""What a stored history lacks so that a next prompt may follow it."""

from typing import Any

TOOL_INTERRUPTED = "The tool was interrupted; whether it took effect is unknown."
TURN_INTERRUPTED = "This turn was interrupted before it was answered."


def closing_messages(last: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The messages that close a turn which ended with `last`: none if an assistant's answer stands there.

    Models refuse a tool request without its result, and two messages of the user in a row.
    """
    if last is None:
        return []
    requests = [block["toolUse"]["toolUseId"] for block in last["content"] if "toolUse" in block]
    if last["role"] == "assistant" and not requests:
        return []
    note = {"role": "assistant", "content": [{"text": TURN_INTERRUPTED}]}
    if not requests:
        return [note]
    return [{"role": "user", "content": [_error_result(request) for request in requests]}, note]


def _error_result(tool_use_id: str) -> dict[str, Any]:
    return {
        "toolResult": {"toolUseId": tool_use_id, "status": "error", "content": [{"text": TOOL_INTERRUPTED}]},
    }
