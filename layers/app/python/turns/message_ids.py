"""Ids of what one stored message shows in several pieces: the same while it is made, and later from the history.

The message's own id, its `tracking_id`, is that of the piece that comes first. A client's pieces keep the client's ids.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_CLIENT_IDS = "client_message_ids"


def text_id(message_id: str, number: int, *, is_first: bool) -> str:
    """Of the text that is the `number`-th of its message; is_first: nothing else of the message was shown before."""
    return message_id if is_first else f"{message_id}-{number}"


def reasoning_id(message_id: str, number: int) -> str:
    return f"{message_id}-reasoning" if number == 1 else f"{message_id}-reasoning-{number}"


def result_id(message_id: str, number: int) -> str:
    return message_id if number == 1 else f"{message_id}-{number}"


def own_id(piece_id: str) -> str:
    """Of the message of which a piece is shown while it is made: those ids have no hyphen of their own."""
    return piece_id.partition("-")[0]


def keep_client_ids(message: dict[str, Any], ids: Sequence[str | None]) -> None:
    """In a message of tools' results: of each result, and of the words behind them; None for what no client named."""
    message.setdefault("metadata", {}).setdefault("custom", {})[_CLIENT_IDS] = [*ids]


def client_id(message: Mapping[str, Any], number: int) -> str | None:
    """Of the `number`-th of such pieces."""
    ids = _read_client_ids(message)
    return ids[number - 1] if number <= len(ids) else None


def client_ids(message: Mapping[str, Any]) -> set[str]:
    return {each for each in _read_client_ids(message) if each}


def _read_client_ids(message: Mapping[str, Any]) -> list[str | None]:
    return message.get("metadata", {}).get("custom", {}).get(_CLIENT_IDS, [])
